"""Makes a buffer in the steps of the peer's Reader.__init__, and stops after any of them."""

import os

from zerobuffer import platform
from zerobuffer.oieb_view import OIEBView
from zerobuffer.shared_memory import SharedMemory

METADATA = 1024

# What is there after each step; "reader" is the whole buffer.
STEPS = ["lock", "segment", "size", "geometry", "reader-pid", "sem-w", "reader"]


class HalfMade:
    """The objects of a buffer that is not finished. They stay as they are when it is killed."""

    def __init__(self, name: str, payload: int, step: str) -> None:
        self.name = name
        self.payload = payload
        self.done = -1
        self.go_on(step)

    def go_on(self, step: str) -> None:
        """Does everything up to and including the given step."""
        while self.done < STEPS.index(step):
            self.done += 1
            getattr(self, STEPS[self.done].replace("-", "_"))()

    def lock(self) -> None:
        path = os.path.join(platform.get_temp_directory(), self.name + ".lock")
        self.lock_file = platform.create_file_lock(path)

    def segment(self) -> None:
        # The peer's segment has its full size at once and is filled with zeros after that.
        self.shm = SharedMemory(self.name, 128 + METADATA + self.payload, create=True)
        self.view = OIEBView(self.shm.get_memoryview(0, OIEBView.SIZE))

    def size(self) -> None:
        self.view.oieb_size = 128

    def geometry(self) -> None:
        self.view.initialize(METADATA, self.payload, 0)

    def reader_pid(self) -> None:
        self.view.reader_pid = os.getpid()

    def sem_w(self) -> None:
        self.sem_write = platform.create_semaphore(f"sem-w-{self.name}", 0)

    def reader(self) -> None:
        self.sem_read = platform.create_semaphore(f"sem-r-{self.name}", 0)
