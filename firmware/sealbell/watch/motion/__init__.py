"""Motion: does something move at the door, whatever the light does?

The idea: light changes the brightness of surfaces, and smoothly; a person, a car, an animal brings edges that were not
there. So brightness is not looked at. The picture is reduced to its structure (how each point differs from the ten
pixels around it), and for each cell of 8x8 pixels we ask how much of the structure now is *unexplained* by the
structure remembered, under whichever gain fits best there. Exposure, a cloud, dusk, a lamp: some gain explains them.
A person: none does. (Jacques, Jung and Musse told shadows from people by this likeness: SIBGRAPI 2005.)

A cell is hit if its unexplained energy (mean square, in grey levels squared) exceeds what these may reach:

1. Things that stay. The energy must be unexplained twice: by the remembered scene, and by the picture LAG_US ago. So a
   parked car, or the place that somebody left, is no motion; and whatever changes once (a lamp switched on, the
   infrared filter, a digit of a clock in the picture) is hit for less than LAG_US.
2. Noise and leaves. NOISE_RATIO times what is usual in the whole picture now, and UNREST_RATIO times what has been
   usual in this cell or beside it. The usual is the mean of the *amplitude*, squared: leaves, there half of the time,
   raise it to a quarter of their energy; a passer-by, there a twentieth of the time, to a four-hundredth of his.
3. Light that is not quite a gain. A share of the remembered texture (TEXTURE_SHARE; it also forgives a shift by a
   fraction of a pixel) and of the squared range of the brightness change nearby (SPREAD_SHARE): the soft edge of a
   headlight changes much brightness with little structure, the edge of a thing changes both.
4. Glare. Where pixels newly reach white, texture is burnt away, and the rim of the burnt area is a kink: there much
   more is asked (GLARE_*). A white car still passes.

A hit without another beside it is dropped. A hit continues one of the frame before if it lies within REACH_CELLS of it,
and motion is active once hits have continued for SPAN_US. This is no shorter than LAG_US, so no single change triggers.
Motion ends HOLD_US after the last hit.

Times are those of the frames, so any frame rate will do, also a varying one; two frames are the least that trigger.
During the first second (SETTLE_*) it only learns. Who stands still ends being motion, and is again at the next step.

Limits (docs/motion.md has the figures): heavy rain or snow seen as streaks, insects near the lens, a gust after a calm
and a camera that shakes are motion to it; a PIR sensor beside it, or a zone, is the remedy. Fog, and a night so noisy
that the noise comes near to a person's contrast, make it late, then blind.
"""

from sealbell.watch.motion.detector import Motion, MotionDetector

__all__ = ["Motion", "MotionDetector"]
