import threading
from collections import deque

import numpy as np

from fakes.picamera2.sensor import DEADLINE_S

CONTROLS = ("FrameDurationLimits", "ExposureTime", "AnalogueGain", "Saturation", "AeEnable")
JUNK = 77  # what stands in the padding of rows, and in colour that nobody has drawn


class MappedArray:
    def __init__(self, request, stream, reshape=True, write=True):
        self._request, self._stream = request, stream
        self._array = None

    def __enter__(self):
        self._array = self._request.request[self._stream]
        return self

    def __exit__(self, exc_type, exc_value, exc_traceback):
        self._array = None

    @property
    def array(self):
        return self._array


class CompletedRequest:
    def __init__(self, request, picam2):
        self.request, self.picam2 = request, picam2
        self.ref_count = 1
        self.lock = picam2.request_lock
        self._shot = None

    def acquire(self):
        with self.lock:
            assert self.ref_count > 0
            self.ref_count += 1

    def release(self):
        with self.lock:
            self.ref_count -= 1
            assert self.ref_count >= 0
            if self.ref_count == 0:
                self.picam2._take_back(self.request)

    def get_metadata(self):
        return dict(self._shot.metadata)


class _Loop(threading.Thread):
    """The thread of a preview that shows nothing: it does what comes, until told to end or until something raises."""

    def __init__(self, camera):
        super().__init__(daemon=True)
        self.camera = camera
        self.work = deque()
        self.changed = threading.Condition()
        self.ending = False

    def run(self):
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self.work or self.ending)
                if self.ending:
                    return
                shots, done = self.work.popleft()
            try:
                self.camera._process_requests(shots)
            except BaseException:
                return  # the real one logs it, and its thread ends as well
            finally:
                done.set()

    def give(self, shots):
        done = threading.Event()
        with self.changed:
            self.work.append((shots, done))
            self.changed.notify_all()
        return done

    def end(self):
        with self.changed:
            self.ending = True
            self.changed.notify_all()
        self.join()


class Picamera2:
    _world = None  # set by the class that `library` makes

    def __init__(self, camera_num=0, verbose_console=None, tuning=None, allocator=None):
        world = self._world
        if world.faults.no_camera:
            raise IndexError("list index out of range")  # as picamera2 does, where it looks for the first camera
        world.openings += 1
        if world.openings == world.faults.heals_at_opening:
            world.faults.stalled = world.faults.encoder_hangs = False
        self.pre_callback = None
        self.post_callback = None
        self.started = False
        self.is_open = True
        self.camera_config = {}
        self.lock = threading.Lock()
        self.request_lock = threading.Lock()
        self.completed_requests = []
        self._encoders = set()
        self._loop = None
        self._buffers = deque()
        self._asked = {}

    @property
    def camera_properties(self):
        return {"Model": self._world.model, "PixelArraySize": (4608, 2592)}

    @property
    def camera_controls(self):
        return dict.fromkeys(CONTROLS, (0, 0, 0))

    @property
    def encoders(self):
        return self._encoders

    def create_video_configuration(  # the defaults are as picamera2 has them
        self,
        main={},  # noqa: B006
        lores=None,
        raw={},  # noqa: B006
        transform=None,
        colour_space=None,
        buffer_count=6,
        controls={},  # noqa: B006
        display="main",
        encode="main",
        queue=True,
        sensor={},  # noqa: B006
        use_case="video",
    ):
        return {
            "main": dict(main), "lores": lores and dict(lores), "raw": raw, "transform": transform,
            "buffer_count": buffer_count, "controls": dict(controls), "display": display, "encode": encode,
            "sensor": dict(sensor),
        }  # fmt: skip

    def configure(self, camera_config=None):
        assert not self.started
        assert set(camera_config["controls"]) <= set(CONTROLS)
        for name in ("main", "lores"):
            stream = camera_config[name]
            assert stream["format"] == "YUV420", "all that the hardware encoder and our code take"
            stream["stride"] = -(-stream["size"][0] // self._world.align) * self._world.align
        camera_config["sensor"].setdefault("output_size", (1536, 864))  # what it would take for 720 lines: cut out
        self.camera_config = camera_config
        self._world.controls |= camera_config["controls"]
        self._buffers = deque(
            {name: _empty(camera_config[name]) for name in ("main", "lores")}
            for _ in range(camera_config["buffer_count"])
        )

    def camera_configuration(self):
        return self.camera_config

    def stream_configuration(self, name="main"):
        return self.camera_config[name]

    def set_controls(self, controls):
        assert set(controls) <= set(CONTROLS), "RuntimeError: not advertised by libcamera"
        if self._world.faults.loses_controls:
            self._world.faults.loses_controls -= 1
            return
        self._asked |= controls

    def start_preview(self, preview=None):
        assert self._loop is None
        self._loop = _Loop(self)
        self._loop.start()

    def stop_preview(self):
        if self._loop is None:
            raise RuntimeError("No preview specified.")
        if self._world.faults.close_hangs:
            self._world.let_go.wait(DEADLINE_S)
        self._loop.end()
        self._loop = None

    def start_encoder(self, encoder=None, output=None, pts=None, quality=None, name=None):
        stream = self.camera_config[name]
        encoder.output = output
        encoder.name, encoder.width, encoder.height = name, *stream["size"]
        encoder.stride = stream["stride"]
        encoder._world = self._world
        encoder.start(quality=quality)
        self._encoders.add(encoder)

    def stop_encoder(self, encoders=None):
        for encoder in list(self._encoders):
            encoder.stop()
            self._encoders.remove(encoder)

    def start(self, config=None, show_preview=False):
        assert self.camera_config
        assert self._loop, "without an event loop nothing is processed"
        self.started = True
        self._world.attach(self)

    def stop(self):
        if not self.started:
            return
        if self._loop is not None and not self._loop.is_alive():
            self._world.let_go.wait(DEADLINE_S)  # a job that nobody does
        self.started = False
        self._world.attach(None)
        while self.completed_requests:
            self.completed_requests.pop(0).release()

    def close(self):
        if self._loop:
            self.stop_preview()
        self.stop()
        self.is_open = False
        for buffers in self._buffers:  # the real ones are unmapped: whoever still looks at them crashes
            for array in buffers.values():
                array.flags.writeable = True
                array[:] = JUNK

    def _deliver(self, shots):
        """The sensor has these frames; as many come through as there are buffers."""
        requests = []
        for shot in shots:
            if not self._buffers:
                continue
            request = CompletedRequest(self._buffers.popleft(), self)
            request._shot = shot
            for name in ("main", "lores"):
                _fill(request.request[name], self.camera_config[name], shot, writeable=not self._world.faults.read_only)
            requests.append(request)
        loop = self._loop
        if not requests or loop is None or not loop.is_alive():
            return
        done = loop.give(requests)
        if not self._world.faults.encoder_hangs:
            _wait(done.is_set, loop)
            for encoder in list(self._encoders):
                _wait(encoder._idle, loop)

    def _process_requests(self, requests):
        assert self.lock.acquire(timeout=DEADLINE_S), "a callback called what takes this lock"
        try:
            for request in requests:
                request.acquire()
            self.completed_requests += requests
            for request in requests:
                if self.pre_callback:
                    self.pre_callback(request)
            for request in requests:
                if self.post_callback:
                    self.post_callback(request)
                for encoder in self._encoders:
                    encoder.encode(encoder.name, request)
                request.release()
            while len(self.completed_requests) > 1:
                self.completed_requests.pop(0).release()
        finally:
            self.lock.release()

    def _take_back(self, buffers):
        self._world.controls |= self._asked
        self._asked = {}
        self._buffers.append(buffers)


def _wait(ready, loop):
    pause = threading.Event()
    for _ in range(int(DEADLINE_S * 500)):
        if ready() or not loop.is_alive():
            return
        pause.wait(0.002)
    raise AssertionError("the stand-in hangs where nothing was to hang")


def _empty(stream):
    return np.full((stream["size"][1] * 3 // 2, stream["stride"]), JUNK, np.uint8)


def _fill(array, stream, shot, *, writeable):
    width, height = stream["size"]
    array.flags.writeable = True
    array[:] = JUNK
    array[:height, :width] = shot.luma(width, height)
    array.flags.writeable = writeable
