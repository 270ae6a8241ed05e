/*
 * A peer in C that follows docs/protocol.md, sections 1 to 4, and nothing more: it knows no claims,
 * no marks, no restart. Its semaphores are those of the C library that it is linked with.
 *
 *	peer reader NAME RING FIRST COUNT MIN MAX TIMEOUT   makes the buffer
 *	peer writer NAME RING FIRST COUNT MIN MAX TIMEOUT   connects to it
 *	peer echo   NAME RING FIRST COUNT MIN MAX TIMEOUT   takes sem-w and posts sem-r, COUNT times
 *
 * Frame i, with sequence number i + 1, has MIN + i * 7919 mod (MAX - MIN + 1) bytes; byte j of it
 * is i + j mod 256. The peer says "open" when it has its side, then "done FRAMES TIMEOUTS", and
 * waits for the end of its input before it closes. When the other side goes first it says "gone
 * FRAMES TIMEOUTS" instead. TIMEOUT is that of one sem_timedwait in ms. Whatever is wrong is a line
 * on stderr and exit code 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct oieb {
	uint32_t size;
	uint8_t version[4];
	uint64_t metadata_size, metadata_free, metadata_written;
	uint64_t payload_size, payload_free, write_pos, read_pos;
	uint64_t written_count, read_count, writer_pid, reader_pid, reserved[4];
};
_Static_assert(sizeof(struct oieb) == 128, "OIEB");

struct header {
	uint64_t size, sequence;
};

static char lock_path[300], segment[300], data_name[300], space_name[300];
static struct oieb *o;
static size_t mapped;
static uint8_t *ring;
static sem_t *data_ready, *space_ready;
static long min_size, max_size, timeout_ms, timeouts;

static void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t get(uint64_t *field) { return __atomic_load_n(field, __ATOMIC_SEQ_CST); }
static void put(uint64_t *field, uint64_t v) { __atomic_store_n(field, v, __ATOMIC_SEQ_CST); }

static uint64_t size_of(long i) { return min_size + i * 7919 % (max_size - min_size + 1); }

static void say(const char *word, long frames)
{
	printf("%s %ld %ld\n", word, frames, timeouts);
	fflush(stdout);
}

/* Whether the peer is there; a writer that has not come yet is. */
static int is_there(uint64_t *pid)
{
	static uint64_t seen;
	uint64_t now = get(pid);
	if (now)
		seen = now;
	return seen ? now && kill((pid_t)now, 0) == 0 : 1;
}

/* Sleeps until there is a token; 0 says that the peer has gone. */
static int take(sem_t *sem, uint64_t *peer)
{
	while (is_there(peer)) {
		struct timespec until;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += timeout_ms / 1000;
		until.tv_nsec += timeout_ms % 1000 * 1000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_sec++;
			until.tv_nsec -= 1000000000;
		}
		if (sem_timedwait(sem, &until) == 0)
			return 1;
		if (errno == ETIMEDOUT)
			timeouts++;
		else if (errno != EINTR)
			die("sem_timedwait");
	}
	return sem_trywait(sem) == 0; /* what it left behind */
}

static void map_segment(int fd, size_t size)
{
	mapped = size;
	o = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (o == MAP_FAILED)
		die("mmap");
	close(fd);
}

static void create(uint64_t payload)
{
	mkdir("/tmp/zerobuffer", 0777);
	int lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0)
		die(lock_path);
	payload = (payload + 63) / 64 * 64;
	int fd = shm_open(segment, O_RDWR | O_CREAT | O_EXCL, 0666);
	if (fd < 0 || ftruncate(fd, 128 + 64 + (off_t)payload) < 0)
		die(segment);
	map_segment(fd, 128 + 64 + payload);
	o->size = 128;
	o->version[0] = 1;
	o->metadata_size = o->metadata_free = 64;
	o->payload_size = o->payload_free = payload;
	put(&o->reader_pid, (uint64_t)getpid());
	sem_unlink(data_name);
	sem_unlink(space_name);
	data_ready = sem_open(data_name, O_CREAT | O_EXCL, 0666, 0);
	space_ready = sem_open(space_name, O_CREAT | O_EXCL, 0666, 0);
}

static void attach(void)
{
	int fd = shm_open(segment, O_RDWR, 0);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		die(segment);
	map_segment(fd, (size_t)st.st_size);
	if (o->size != 128 || !get(&o->reader_pid))
		die("not a buffer");
	data_ready = sem_open(data_name, 0);
	space_ready = sem_open(space_name, 0);
}

static void wrap(void)
{
	put(&o->read_count, o->read_count + 1);
	uint64_t tail = o->payload_size - o->read_pos;
	put(&o->read_pos, 0);
	__atomic_fetch_add(&o->payload_free, tail, __ATOMIC_SEQ_CST);
}

/* Compares frame i, which is the next one, and gives it back. */
static void check_frame(long i, uint64_t sequence)
{
	struct header h = {0, 0};
	for (int markers = 0; markers < 2; markers++) {
		if (o->payload_size - o->read_pos < sizeof h) {
			wrap();
			continue;
		}
		memcpy(&h, ring + o->read_pos, sizeof h);
		if (h.size || h.sequence)
			break;
		wrap();
	}
	if (h.size != size_of(i) || h.sequence != sequence ||
	    h.size > o->payload_size - sizeof h - o->read_pos) {
		fprintf(stderr, "frame %ld: size %llu, sequence %llu\n", i, (unsigned long long)h.size,
			(unsigned long long)h.sequence);
		exit(1);
	}
	for (uint64_t j = 0; j < h.size; j++)
		if (ring[o->read_pos + sizeof h + j] != (uint8_t)(i + (long)j)) {
			fprintf(stderr, "frame %ld differs at byte %llu\n", i, (unsigned long long)j);
			exit(1);
		}
	put(&o->read_pos, o->read_pos + sizeof h + h.size);
	put(&o->read_count, o->read_count + 1);
	__atomic_fetch_add(&o->payload_free, sizeof h + h.size, __ATOMIC_SEQ_CST);
	if (sem_post(space_ready) < 0)
		die("post sem-r");
}

/* Writes frame i; 0 says that the reader has gone. */
static int write_frame(long i, uint64_t sequence)
{
	struct header h = {size_of(i), sequence}, marker = {0, 0};
	uint64_t total = sizeof h + h.size, tail = o->payload_size - o->write_pos;
	uint64_t required = tail >= total ? total : tail + total;
	while (get(&o->payload_free) < required)
		if (!take(space_ready, &o->reader_pid))
			return 0;
	if (tail < total) {
		if (tail >= sizeof marker) {
			memcpy(ring + o->write_pos, &marker, sizeof marker);
			put(&o->written_count, o->written_count + 1);
		}
		__atomic_fetch_sub(&o->payload_free, tail, __ATOMIC_SEQ_CST);
		put(&o->write_pos, 0);
	}
	memcpy(ring + o->write_pos, &h, sizeof h);
	for (uint64_t j = 0; j < h.size; j++)
		ring[o->write_pos + sizeof h + j] = (uint8_t)(i + (long)j);
	put(&o->write_pos, o->write_pos + total);
	put(&o->written_count, o->written_count + 1);
	__atomic_fetch_sub(&o->payload_free, total, __ATOMIC_SEQ_CST);
	if (sem_post(data_ready) < 0)
		die("post sem-w");
	return 1;
}

int main(int argc, char **argv)
{
	if (argc != 9)
		return 2;
	alarm(120); /* a test that crashes must not leave it asleep */
	const char *role = argv[1], *name = argv[2];
	long first = atol(argv[4]), count = atol(argv[5]), done = 0;
	int reads = !strcmp(role, "reader"), writes = !strcmp(role, "writer");
	min_size = atol(argv[6]);
	max_size = atol(argv[7]);
	timeout_ms = atol(argv[8]);
	snprintf(lock_path, sizeof lock_path, "/tmp/zerobuffer/%s.lock", name);
	snprintf(segment, sizeof segment, "/%s", name);
	snprintf(data_name, sizeof data_name, "/sem-w-%s", name);
	snprintf(space_name, sizeof space_name, "/sem-r-%s", name);
	if (reads)
		create((uint64_t)atol(argv[3]));
	else
		attach();
	if (data_ready == SEM_FAILED || space_ready == SEM_FAILED)
		die("sem_open");
	ring = (uint8_t *)o + 128 + o->metadata_size;
	if (writes)
		put(&o->writer_pid, (uint64_t)getpid());
	puts("open");
	fflush(stdout);
	for (; done < count; done++) {
		uint64_t sequence = (uint64_t)(first + done) + 1;
		if (writes && !write_frame(first + done, sequence))
			break;
		if (!writes && !take(data_ready, reads ? &o->writer_pid : &o->reader_pid))
			break;
		/* A token without a frame says that the writer has closed. */
		if (reads && !is_there(&o->writer_pid) &&
		    get(&o->written_count) == get(&o->read_count))
			break;
		if (reads)
			check_frame(first + done, sequence);
		if (!reads && !writes && sem_post(space_ready) < 0)
			die("post");
	}
	say(done < count ? "gone" : "done", done);
	while (getchar() != EOF)
		;
	if (writes)
		put(&o->writer_pid, 0);
	if (reads) {
		put(&o->reader_pid, 0);
		shm_unlink(segment);
		sem_unlink(data_name);
		sem_unlink(space_name);
		unlink(lock_path);
	}
	munmap(o, mapped);
	return 0;
}
