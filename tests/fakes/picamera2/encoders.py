import queue
import threading
from fractions import Fraction

import av
import numpy as np

from fakes.picamera2.outputs import Output

OUTPUT_BUFFERS = 16


class Encoder:
    def __init__(self, framerate=30):
        self.firsttimestamp = None
        self.name = None
        self.width = self.height = self.stride = 0
        self._output = []
        self._running = False
        self._lock = threading.Lock()
        self._wanted_keyframes = 0
        self._world = None

    @property
    def output(self):
        return self._output[0]

    @output.setter
    def output(self, value):
        assert isinstance(value, Output), "RuntimeError: Must pass Output"
        self._output = [value]

    @property
    def running(self):
        return self._running

    def start(self, quality=None):
        assert not self._running
        self.firsttimestamp = None
        self._codec = _codec(self)
        self._running = True
        for output in self._output:
            output.start()

    def stop(self):
        with self._lock:
            assert self._running
            self._running = False
            self._stop()
            for output in self._output:
                output.stop()

    def encode(self, stream, request):
        with self._lock:
            if self._running:
                self._encode(stream, request)

    def force_key_frame(self):
        self._wanted_keyframes += 1

    def _stop(self):
        pass

    def _timestamp(self, request):
        stamp_us = int(request.get_metadata()["SensorTimestamp"] / 1000)
        if self.firsttimestamp is None:
            self.firsttimestamp = stamp_us
        return stamp_us - self.firsttimestamp

    def _code(self, array, timestamp_us, number):
        self._world.coded.append(number)
        if number in self._world.faults.encoder_skips:
            return
        flat, luma_bytes = array.reshape(-1), self.height * self.stride
        colour = flat[luma_bytes:].reshape(2, self.height // 2, self.stride // 2)[:, :, : self.width // 2]
        packed = np.concatenate([array[: self.height, : self.width].reshape(-1), colour.reshape(-1)])
        frame = av.VideoFrame.from_ndarray(packed.reshape(self.height * 3 // 2, self.width), format="yuv420p")
        frame.pts, frame.time_base = timestamp_us, Fraction(1, 1_000_000)
        if self._wanted_keyframes:
            self._wanted_keyframes = 0
            frame.pict_type = av.video.frame.PictureType.I
        for packet in self._codec.encode(frame):
            for output in self._output:
                output.outputframe(bytes(packet), packet.is_keyframe, packet.pts, None, False)


class H264Encoder(Encoder):
    """In hardware: codes in a thread of its own."""

    def __init__(
        self, bitrate=None, repeat=True, iperiod=None, framerate=None, enable_sps_framerate=False, qp=None, profile=None
    ):
        super().__init__()
        self.bitrate, self.repeat, self.iperiod, self.framerate = bitrate, repeat, iperiod, framerate
        self.profile = profile

    def start(self, quality=None):
        assert self.profile in (None, "baseline", "constrained baseline", "main", "high")
        super().start(quality)
        self.buf_frame = queue.Queue()
        self.buf_available = queue.Queue()
        for index in range(OUTPUT_BUFFERS):
            self.buf_available.put(index)
        self._coding = 0
        self.thread = threading.Thread(target=self._poll, daemon=True)
        self.thread.start()

    def _stop(self):
        self.buf_frame.put(None)
        self.thread.join()

    def _encode(self, stream, request):
        request.acquire()
        index = self.buf_available.get()
        self._coding += 1
        self.buf_frame.put((index, stream, request, self._timestamp(request)))

    def _poll(self):
        while (entry := self.buf_frame.get()) is not None:
            index, stream, request, timestamp_us = entry
            if not self._world.faults.encoder_hangs:
                self._code(request.request[stream], timestamp_us, request._shot.number)
                self.buf_available.put(index)
            request.release()
            self._coding -= 1

    def _idle(self):
        return self._coding == 0


class LibavH264Encoder(Encoder):
    """By libx264: codes in the event loop's thread."""

    def __init__(self, bitrate=None, repeat=True, iperiod=30, framerate=30, qp=None, profile=None):
        super().__init__()
        self.bitrate, self.repeat, self.iperiod, self.framerate = bitrate, repeat, iperiod, framerate
        self.profile = profile
        self.threads = 0
        self.drop_final_frames = False

    def start(self, quality=None):
        assert self.threads == 1, "frames coded side by side come late"
        super().start(quality)

    def _encode(self, stream, request):
        self._code(request.request[stream], self._timestamp(request), request._shot.number)

    def _idle(self):
        return True


def _codec(encoder):
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = encoder.width, encoder.height, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, 1_000_000), Fraction(encoder.framerate)
    codec.bit_rate, codec.gop_size, codec.thread_count = encoder.bitrate, encoder.iperiod, 1
    codec.profile = encoder.profile.title()
    headers = f"scenecut=0:repeat-headers={int(encoder.repeat)}"
    codec.options = {
        "preset": "superfast", "tune": "zerolatency", "forced-idr": "1",
        "x264-params": headers,
    }  # fmt: skip
    return codec
