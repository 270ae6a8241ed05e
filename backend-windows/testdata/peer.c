// A program of another language, in plain Win32: it makes and opens the objects by the names of the
// C#, Python or C++ programs, and writes and reads frames in the order of the wire contract,
// sections 3 and 4, one at a time. It shares no code with the Go side.
//
//   peer NAMES COMMAND BUFFER [ARGUMENT...]
//
// NAMES is cs, py or cpp. The commands are
//
//   write N FRAMES SIZE   connect as the writer, write frames, disconnect
//   read N FRAMES SIZE    make the buffer, read and release frames, remove it
//   hold N                make the buffer and wait for the end of standard input
//   close N               the same, but at a line of input remove the buffer, and live on
//   connect N             connect as the writer and wait for the end of standard input
//   lock N                hold the lock file only, until the end of standard input
//
// It prints "ready" when the objects are there, and one line of what happened at the end.
#include <windows.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct oieb {
	uint32_t size;
	uint8_t version[4];
	uint64_t metadata_size, metadata_free, metadata_written;
	uint64_t payload_size;
	volatile int64_t payload_free;
	volatile uint64_t write_pos, read_pos, written_count, read_count;
	volatile uint64_t writer_pid, reader_pid;
	uint64_t reserved[4];
};

struct header {
	uint64_t size, sequence;
};

static const char *names;
static char section_name[600], sem_name[2][600], lock_name[900];
static HANDLE section, sems[2], lock = INVALID_HANDLE_VALUE;
static struct oieb *oieb;
static uint8_t *ring;

static void die(const char *what)
{
	printf("error: %s: %lu\n", what, GetLastError());
	fflush(stdout);
	exit(1);
}

static void ready(void)
{
	printf("ready\n");
	fflush(stdout);
}

// close_buffer ends the reader's side, of which nothing is left but the process.
static void close_buffer(void)
{
	oieb->reader_pid = 0;
	if (!UnmapViewOfFile(oieb) || !CloseHandle(section) || !CloseHandle(sems[0]) ||
		!CloseHandle(sems[1]) || !CloseHandle(lock))
		die("close");
	if (!strcmp(names, "py"))
		DeleteFileA(lock_name);
	printf("closed\n");
	fflush(stdout);
	oieb = NULL;
}

static void wait_for_end(void)
{
	while (getchar() != EOF)
		;
}

static void name_objects(const char *buffer)
{
	char temp[MAX_PATH];
	const char *prefix = "", *sem = "sem-%c-%s", *dir = "zerobuffer\\locks\\";

	GetTempPathA(sizeof temp, temp);
	if (!strcmp(names, "py")) {
		sem = "Global\\sem-%c-%s";
		dir = "";
	} else if (!strcmp(names, "cpp")) {
		prefix = "Global\\";
		sem = "Global\\sem-/sem-%c-%s";
		dir = "zerobuffer\\";
	}
	snprintf(section_name, sizeof section_name, "%s%s", prefix, buffer);
	snprintf(sem_name[0], sizeof sem_name[0], sem, 'w', buffer);
	snprintf(sem_name[1], sizeof sem_name[1], sem, 'r', buffer);
	snprintf(lock_name, sizeof lock_name, "%s%s%s.lock", temp, dir, buffer);
}

// take_lock opens the lock file the way each language does it.
static void take_lock(void)
{
	DWORD how = OPEN_ALWAYS, flags = FILE_ATTRIBUTE_NORMAL | FILE_FLAG_DELETE_ON_CLOSE;
	char dir[900], *end;

	if (strcmp(names, "cs"))
		how = CREATE_ALWAYS;
	if (!strcmp(names, "py"))
		flags = FILE_ATTRIBUTE_NORMAL;
	for (end = strchr(lock_name + 3, '\\'); end; end = strchr(end + 1, '\\')) {
		memcpy(dir, lock_name, end - lock_name);
		dir[end - lock_name] = 0;
		CreateDirectoryA(dir, NULL);
	}
	lock = CreateFileA(lock_name, GENERIC_READ | GENERIC_WRITE, 0, NULL, how, flags, NULL);
	if (lock == INVALID_HANDLE_VALUE)
		die("lock");
	if (!strcmp(names, "py")) {
		OVERLAPPED at = {0};
		if (!LockFileEx(lock, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, ~0u, ~0u, &at))
			die("LockFileEx");
	}
}

static void map(void)
{
	oieb = MapViewOfFile(section, FILE_MAP_ALL_ACCESS, 0, 0, 0);
	if (!oieb)
		die("map");
}

static void create(uint64_t metadata, uint64_t payload)
{
	struct oieb o = {128, {1}, metadata, metadata, 0, payload, payload};
	int i;

	take_lock();
	section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0,
		(DWORD)(128 + metadata + payload), section_name);
	if (!section || GetLastError() == ERROR_ALREADY_EXISTS)
		die("create section");
	map();
	o.reader_pid = GetCurrentProcessId();
	memcpy(oieb, &o, sizeof o);
	for (i = 0; i < 2; i++) {
		sems[i] = CreateSemaphoreA(NULL, 0, 0x7fffffff, sem_name[i]);
		if (!sems[i])
			die("create semaphore");
	}
}

static void open_buffer(void)
{
	int i;

	section = OpenFileMappingA(FILE_MAP_ALL_ACCESS, FALSE, section_name);
	if (!section)
		die("open section");
	map();
	if (oieb->size != 128 || !oieb->reader_pid)
		die("half made");
	if (oieb->writer_pid)
		die("a writer is connected");
	oieb->writer_pid = GetCurrentProcessId();
	for (i = 0; i < 2; i++) {
		// What the C++ programs ask for; it does not include the right to query.
		sems[i] = OpenSemaphoreA(SYNCHRONIZE | SEMAPHORE_MODIFY_STATE, FALSE, sem_name[i]);
		if (!sems[i])
			die("open semaphore");
	}
}

static uint8_t pattern(uint64_t sequence, uint64_t i) { return (uint8_t)(sequence * 31 + i * 7 + 1); }

static void write_frame(uint64_t sequence, uint64_t n)
{
	uint64_t total = n + sizeof(struct header), pos, tail, i;
	struct header h = {n, sequence};

	pos = oieb->write_pos;
	tail = oieb->payload_size - pos;
	while ((uint64_t)oieb->payload_free < (tail >= total ? total : tail + total))
		if (WaitForSingleObject(sems[1], 10000) != WAIT_OBJECT_0)
			die("no room");
	if (tail < total) {
		if (tail >= sizeof h) {
			memset(ring + pos, 0, sizeof h);
			oieb->written_count++;
		}
		InterlockedExchangeAdd64(&oieb->payload_free, -(int64_t)tail);
		oieb->write_pos = pos = 0;
	}
	memcpy(ring + pos, &h, sizeof h);
	for (i = 0; i < n; i++)
		ring[pos + sizeof h + i] = pattern(sequence, i);
	oieb->write_pos = (pos + total) % oieb->payload_size;
	oieb->written_count++;
	InterlockedExchangeAdd64(&oieb->payload_free, -(int64_t)total);
	if (!ReleaseSemaphore(sems[0], 1, NULL))
		die("post");
}

static void read_frame(uint64_t sequence, uint64_t n)
{
	uint64_t pos, i;
	struct header h;

	if (WaitForSingleObject(sems[0], 10000) != WAIT_OBJECT_0)
		die("no frame");
	pos = oieb->read_pos; // only now: the writer may have started again at 0
	memcpy(&h, ring + pos, sizeof h);
	if (!h.size && !h.sequence) {
		InterlockedExchangeAdd64(&oieb->payload_free, oieb->payload_size - pos);
		oieb->read_pos = pos = 0;
		oieb->read_count++;
		memcpy(&h, ring, sizeof h);
	}
	if (h.sequence != sequence || h.size != n) {
		printf("error: frame %llu of %llu bytes, expected %llu of %llu\n", h.sequence, h.size,
			sequence, n);
		exit(1);
	}
	for (i = 0; i < n; i++)
		if (ring[pos + sizeof h + i] != pattern(sequence, i))
			die("a byte differs");
	oieb->read_pos = (pos + n + sizeof h) % oieb->payload_size;
	oieb->read_count++;
	InterlockedExchangeAdd64(&oieb->payload_free, n + sizeof h);
	if (!ReleaseSemaphore(sems[1], 1, NULL))
		die("post");
}

int main(int argc, char **argv)
{
	uint64_t frames = argc > 4 ? atoi(argv[4]) : 0, size = argc > 5 ? atoi(argv[5]) : 0, i;
	const char *command;

	if (argc < 4)
		return 2;
	names = argv[1];
	command = argv[2];
	name_objects(argv[3]);
	if (!strcmp(command, "lock")) {
		take_lock();
	} else if (!strcmp(command, "read") || !strcmp(command, "hold") ||
		!strcmp(command, "close")) {
		create(4096, 4096);
	} else {
		open_buffer();
	}
	if (oieb)
		ring = (uint8_t *)oieb + 128 + oieb->metadata_size;
	ready();
	if (!strcmp(command, "write")) {
		for (i = 1; i <= frames; i++)
			write_frame(i, size);
		oieb->writer_pid = 0;
	} else if (!strcmp(command, "read")) {
		for (i = 1; i <= frames; i++)
			read_frame(i, size);
		oieb->reader_pid = 0;
	} else {
		if (!strcmp(command, "close")) {
			getchar();
			close_buffer();
		}
		wait_for_end();
		if (!strcmp(command, "hold"))
			oieb->reader_pid = 0;
		else if (oieb)
			oieb->writer_pid = 0;
	}
	printf("done: %llu frames of %llu bytes\n", frames, size);
	return 0;
}
