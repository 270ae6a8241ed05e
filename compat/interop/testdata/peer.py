"""A program around the real Python peer (zerobuffer-ipc) that Go tests steer.

Each line of stdin is a command in JSON, each is answered by one line on stdout: what the command
returns, or {"error": the name of the exception, "text": its message}. One process holds at most
one reader and one writer. It ends with its stdin, and closes what it holds. It uses the library
as it is; what it works around is said where it does so.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
from datetime import timedelta

from zerobuffer import BufferConfig, Reader, Writer, oieb_view, platform
from zerobuffer.exceptions import WriterDeadException

import halfmade
from content import content, size_of


class Mismatch(Exception):
    """A frame came that is not the one that was sent."""


class Timeout(Exception):
    """No frame came in time."""


class Peer:
    """One method a command."""

    def __init__(self) -> None:
        self.r = None
        self.w = None
        self.held = []
        self.half = None

    # ---- life cycle ----

    def reader(self, name, payload, metadata=1024):
        """Makes a buffer."""
        self.r = Reader(name, BufferConfig(metadata_size=metadata, payload_size=payload))

    def writer(self, name, timeout=30.0):
        """Connects to a buffer, once: the peer does not retry."""
        self.w = Writer(name)
        self.w.write_timeout = timedelta(seconds=timeout)

    def close_reader(self):
        """Gives back what is held, and closes."""
        self.release()
        self.r.close()

    def close_writer(self):
        self.w.close()

    def wait_writer(self):
        """Waits for a writer. Until it is there every time-out of read_frame raises."""
        while not self.r.is_writer_connected(1000):
            pass

    def oieb(self, side="r"):
        """Shows the OIEB as this side sees it."""
        o = getattr(self, side)._oieb
        return {
            "free": o.payload_free_bytes,
            "write_pos": o.payload_write_pos,
            "read_pos": o.payload_read_pos,
        }

    def connected(self, side="r"):
        if side == "r":
            return {"connected": self.r.is_writer_connected()}
        return {"connected": self.w.is_reader_connected()}

    def start_at(self, side, number):
        """Goes on as if all frames before that number had been there."""
        if side == "r":
            self.r._expected_sequence = number
        else:
            self.w._sequence_number = number

    # ---- metadata ----

    def set_metadata(self, data):
        self.w.set_metadata(base64.b64decode(data))

    def metadata(self):
        """Returns the metadata, or nothing while there is none."""
        view = self.r.get_metadata()
        if view is None:
            return {}
        data = base64.b64encode(view).decode()
        view.release()
        return {"metadata": data}

    # ---- frames ----

    def write(self, sizes, n, first=0, delay=0.0, zero_copy=False):
        """Writes frames first..first+n-1 and tells where each ended in the ring."""
        ends = []
        for i in range(first, first + n):
            data = content(i, size_of(sizes, i))
            if zero_copy:
                view = self.w.get_frame_buffer(len(data))
                view[:] = data
                view.release()
                self.w.commit_frame()
            else:
                self.w.write_frame(data)
            if n <= 1000:
                ends.append(self.w._oieb.payload_write_pos)
            if delay:
                time.sleep(delay)
        return {"frames": n, "ends": ends}

    def read(self, sizes, n, first=0, timeout=30.0, delay=0.0, hold=0):
        """Reads frames first..first+n-1, compares every byte, and holds the last few.

        Of several that are held the peer keeps account of the last one only (contract 5).
        """
        ends = []
        for i in range(first, first + n):
            frame = self.r.read_frame(timeout)
            if frame is None:
                raise Timeout(f"frame {i}")
            self.check(frame, i, sizes)
            if n <= 1000:
                ends.append(self.r._oieb.payload_read_pos)
            if i >= first + n - hold:
                self.held.append(frame)
            else:
                frame.dispose()
            if delay:
                time.sleep(delay)
        return {"frames": n, "ends": ends}

    def check(self, frame, i, sizes):
        """Compares frame i with what was sent. Sequence numbers are checked by the peer."""
        want = content(i, size_of(sizes, i))
        got = bytes(frame.data)
        if got == want:
            return
        if len(got) != len(want):
            raise Mismatch(f"frame {i} has {len(got)} bytes, expected {len(want)}")
        at = next(j for j in range(len(got)) if got[j] != want[j])
        raise Mismatch(f"frame {i} of {len(got)} bytes differs at byte {at}")

    def drain(self, sizes, first=0, timeout=0.5, idle=False):
        """Reads until the writer is gone, or nothing comes; returns how many frames came."""
        i = first
        while True:
            try:
                frame = self.r.read_frame(timeout)
            except WriterDeadException as e:
                return {"frames": i - first, "ended": type(e).__name__}
            if frame is not None:
                self.check(frame, i, sizes)
                frame.dispose()
                i += 1
            elif idle:
                return {"frames": i - first}

    def release(self):
        """Gives back all frames that are held."""
        for frame in self.held:
            frame.dispose()
        self.held = []

    def check_held(self, sizes, first):
        """Compares the frames that are held once more, and gives them back."""
        for i, frame in enumerate(self.held, first):
            self.check(frame, i, sizes)
        self.release()

    def relay(self, n, timeout=30.0):
        """Passes metadata and n frames from the reader to the writer."""
        meta = self.r.get_metadata()
        if meta is not None:
            self.w.set_metadata(meta)
            meta.release()
        for i in range(n):
            with self.r.read_frame(timeout) as frame:
                self.w.write_frame(frame.data)
        return {"frames": n}

    # ---- faults on demand ----

    def non_atomic(self):
        """Goes on as the peer does where libatomic is missing."""
        oieb_view._fetch_add_8 = None
        oieb_view._fetch_sub_8 = None

    def split(self, side, every=1):
        """Makes the next change of the free bytes of one side a load, a pause, a store.

        It is the peer's own non-atomic path, stretched: between load and store it says "loaded"
        and waits for a line. What the other side adds or subtracts meanwhile is lost.
        """
        view = getattr(self, side)._oieb
        sign = 1 if side == "r" else -1
        name = "atomic_add_payload_free_bytes" if side == "r" else "atomic_sub_payload_free_bytes"

        whole = getattr(oieb_view.OIEBView, name)

        def change(target, delta):
            if target is not view:
                return whole(target, delta)
            setattr(oieb_view.OIEBView, name, whole)
            value = target.payload_free_bytes
            answer({"event": "loaded", "free": value})
            sys.stdin.readline()
            target.payload_free_bytes = value + sign * delta

        setattr(oieb_view.OIEBView, name, change)

    def half_made(self, name, step, payload):
        """Does the first steps of the peer's Reader.__init__ and stays there."""
        self.half = halfmade.HalfMade(name, payload, step)

    def half_go_on(self, step):
        self.half.go_on(step)

    def leftover_semaphores(self, name, value):
        """Makes the semaphores that a reader of this name may have left."""
        for prefix in "sem-w-", "sem-r-":
            platform.create_semaphore(prefix + name, value).close()

    # ---- video ----

    def video_write(self, command, frame_size, metadata):
        """Decodes a video with the given command, writes each raw frame, and closes."""
        self.w.set_metadata(base64.b64decode(metadata))
        hashes = []
        with subprocess.Popen(command, stdout=subprocess.PIPE) as decoder:
            while data := decoder.stdout.read(frame_size):
                self.w.write_frame(data)
                hashes.append(hashlib.sha256(data).hexdigest())
        self.w.close()
        return {"frames": len(hashes), "hashes": hashes}

    def video_read(self, n, timeout=30.0):
        """Reads n frames of the size that the metadata tells, and returns the hash of each."""
        hashes = []
        for i in range(n):
            with self.r.read_frame(timeout) as frame:
                if not i:  # the metadata comes before the first frame
                    view = self.r.get_metadata()
                    video = json.loads(bytes(view))
                    view.release()
                    if video["pixel_format"] != "bgr24":
                        raise Mismatch(f"pixel format {video['pixel_format']}")
                    size = video["width"] * video["height"] * 3
                if frame.size != size:
                    raise Mismatch(f"frame {i} has {frame.size} bytes, expected {size}")
                hashes.append(hashlib.sha256(frame.data).hexdigest())
        return {"frames": n, "hashes": hashes}


def answer(reply):
    sys.stdout.write(json.dumps(reply) + "\n")
    sys.stdout.flush()


def main():
    peer = Peer()
    answer({"event": "ready", "pid": os.getpid()})
    for line in sys.stdin:
        request = json.loads(line)
        command = request.pop("cmd")
        try:
            answer(getattr(peer, command)(**request) or {})
        except Exception as e:  # the test judges it, or shows it when it fails
            print(f"{command}: {type(e).__name__}: {e}", file=sys.stderr, flush=True)
            answer({"error": type(e).__name__, "text": str(e)})
    if peer.w:
        peer.close_writer()
    if peer.r:
        peer.close_reader()


if __name__ == "__main__":
    main()
