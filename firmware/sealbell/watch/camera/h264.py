"""H.264 through PyAV and libx264, for cameras that have no encoder of their own: footage, synthetic, a Pi 5."""

from fractions import Fraction

import av
from av.video.frame import PictureType

from sealbell.items import Packet, VideoFormat

GOP_US = 1_000_000
_TIME_BASE = Fraction(1, 1_000_000)
_NEVER = "1000000"  # keyframes are asked for by time, as GOP_US says, never by count


class H264Encoder:
    """Encodes without delay: one picture in, one packet out, SPS and PPS before every keyframe, no B-frames."""

    def __init__(self, video: VideoFormat, fps: float, bits_per_s: int | None, preset: str = "superfast") -> None:
        """`fps` is what to expect: the rate control reckons with it. `bits_per_s` None lets the scene decide.

        Then quality is constant, and at most 4 Mbit/s.
        """
        codec = av.CodecContext.create("libx264", "w")
        if not isinstance(codec, av.VideoCodecContext):
            raise TypeError("libx264 is not a video codec here")
        codec.width, codec.height, codec.pix_fmt = video.width, video.height, "yuv420p"
        codec.time_base = _TIME_BASE
        codec.framerate = Fraction(fps).limit_denominator(1_001)
        codec.thread_count = 1
        codec.profile = "Main"  # as an option of libx264's own, PyAV 14.2 (a Pi's) takes it for another's and refuses
        rate = {"crf": "23", "maxrate": "4000000", "bufsize": "4000000"}
        if bits_per_s:
            codec.bit_rate = bits_per_s
            rate = {"maxrate": str(bits_per_s), "bufsize": str(bits_per_s)}
        codec.options = {
            **rate,
            "preset": preset,
            "tune": "zerolatency",
            "forced-idr": "1",
            "g": _NEVER,
            "x264-params": f"scenecut=0:repeat-headers=1:keyint={_NEVER}",
        }
        self._codec = codec
        self._keyframe_us: int | None = None
        self._gop_us = GOP_US - int(500_000 / fps)  # half a picture less, or rounding makes some GOPs a picture longer

    def encode(self, picture: av.VideoFrame, t_us: int) -> Packet:
        """Return the packet of a yuv420p picture of the encoder's size, shown at `t_us`."""
        keyframe = self._keyframe_us is None or t_us - self._keyframe_us >= self._gop_us
        if keyframe:
            self._keyframe_us = t_us
        picture.pts = t_us
        picture.time_base = _TIME_BASE
        picture.pict_type = PictureType.I if keyframe else PictureType.NONE
        packets = self._codec.encode(picture)
        if len(packets) != 1:
            raise RuntimeError(f"libx264 gave {len(packets)} packets for a picture where one was due")
        return Packet(t_us, bytes(packets[0]), packets[0].is_keyframe)
