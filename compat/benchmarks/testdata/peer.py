"""One side of a measurement, with the library of the Python peer.

The argument is the side in JSON, as side.go has it. One line of JSON on stdout is the result. Every
byte of a frame is looked at: it is copied out of the buffer and compared.
"""

import json
import os
import sys
import threading
import time
from datetime import timedelta

from zerobuffer import BufferConfig, Reader, Writer
from zerobuffer.exceptions import WriterDeadException

PATIENCE = 10.0
RING = 16 << 20
WORD = (1 << 64) - 1


class Side:
    def __init__(self, size, duration, name, ring):
        self.size = size
        self.duration = duration
        self.name = name
        self.ring = ring or RING
        self.rest = bytes(i & 255 for i in range(8, size))
        self.base = total(bytes(8) + self.rest)
        self.every = min(max((1 << 20) // size, 4), 128)

    def reader(self, suffix=""):
        """Makes the buffer of this side."""
        return Reader(self.name + suffix, BufferConfig(payload_size=self.ring))

    def writer(self, suffix=""):
        """Waits for the buffer of the other side: the library does not. A try that came too early
        would leave its mark in a buffer that is half made, so that the next one is refused."""
        name = self.name + suffix
        end = time.monotonic() + PATIENCE
        for prefix in ("", "sem.sem-w-", "sem.sem-r-"):
            while not os.path.exists("/dev/shm/" + prefix + name):
                if time.monotonic() > end:
                    raise TimeoutError("wait for the other side: it made no buffer")
                time.sleep(0.002)
        time.sleep(0.02)
        w = Writer(name)
        w.write_timeout = timedelta(seconds=PATIENCE)
        return w

    def frames(self, r):
        """Yields the frames until the writer has closed. Each is checked, and gone afterwards."""
        await_writer(r)
        while True:
            try:
                frame = r.read_frame(0.05)
            except WriterDeadException:
                return
            if frame is None:
                continue
            with frame:
                yield self.number(frame.data), frame.data

    def number(self, data):
        if bytes(data[8:]) != self.rest:
            raise ValueError("check a frame: it is not the one that was sent")
        return int.from_bytes(data[:8], "little")

    def receive(self):
        r = self.reader()
        frames, numbers = 0, 0
        first = begin = end = count = till = used = 0
        for number, _ in self.frames(r):
            frames += 1
            numbers += number
            if frames % self.every != 1:
                continue
            now = time.perf_counter_ns()
            if not first:
                first, used = now, time.process_time_ns()
            elif begin:
                end, till = now, frames
            elif now - first >= self.duration // 10:
                begin, count = now, frames
        if not end:
            begin, count, end, till = first, 1, time.perf_counter_ns(), frames
        used = time.process_time_ns() - used
        r.close()
        return {
            "frames": frames,
            "sum": (self.base * frames + numbers) & WORD,
            "rate": (till - count) * 1e9 / (end - begin),
            "cpu": used / frames,
        }

    def send(self):
        w = self.writer()
        frame = bytearray(bytes(8) + self.rest)
        end = time.perf_counter_ns() + self.duration
        used = time.process_time_ns()
        frames = numbers = 0
        while frames < 2 or frames % self.every or time.perf_counter_ns() < end:
            frame[:8] = frames.to_bytes(8, "little")
            w.write_frame(frame)
            numbers += frames
            frames += 1
        used = time.process_time_ns() - used
        w.close()
        return {
            "frames": frames,
            "sum": (self.base * frames + numbers) & WORD,
            "cpu": used / frames,
        }

    def ask(self):
        r = self.reader("-back")
        w = self.writer()
        frame = bytearray(bytes(8) + self.rest)
        await_writer(r)
        times = []
        number = 0
        start = last = time.perf_counter_ns()
        while last - start < self.duration or not times:
            frame[:8] = number.to_bytes(8, "little")
            w.write_frame(frame)
            answer = r.read_frame(PATIENCE)
            with answer:
                if self.number(answer.data) != number:
                    raise ValueError("check a frame: it is another one")
            now = time.perf_counter_ns()
            if number == 0:  # it waited for the other side
                start = now
            elif now - start > self.duration // 10:
                times.append(now - last)
            last = now
            number += 1
        w.close()
        r.close()
        times.sort()
        p50, p99, p999 = (times[int(len(times) * p)] for p in (0.5, 0.99, 0.999))
        return {"frames": len(times), "p50": p50, "p99": p99, "p999": p999}

    def echo(self):
        r = self.reader()
        w = self.writer("-back")
        frames = 0
        for _, data in self.frames(r):
            w.write_frame(data)
            frames += 1
        w.close()
        r.close()
        return {"frames": frames}


def total(data):
    """Adds 64-bit words; data is a multiple of 8 long."""
    return sum(memoryview(data).cast("Q")) & WORD


def await_writer(r):
    """Waits for a writer. Until it is there read_frame raises."""
    end = time.monotonic() + PATIENCE
    while not r.is_writer_connected():
        if time.monotonic() > end:
            raise TimeoutError("wait for the other side: it did not connect")
        time.sleep(0.001)


def follow():
    """Ends with the process that started this one: its standard input ends with it."""
    while os.read(0, 4096):
        pass
    os._exit(1)


def main():
    what = json.loads(sys.argv[1])
    if what["cpu"] >= 0:
        os.sched_setaffinity(0, {what["cpu"]})
    threading.Thread(target=follow, daemon=True).start()
    side = Side(what["size"], what["duration"], what["name"], what["ring"])
    print(json.dumps(getattr(side, what["role"])()))


main()
