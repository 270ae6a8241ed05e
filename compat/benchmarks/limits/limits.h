/* What the limits share: two processes with one region, a clock, percentiles, the same copy and the
 * same read as in the Go programs. Each program measures in the first process, for the given time,
 * and prints one line of JSON. The second one is killed when the first is done.
 */
#ifndef LIMITS_H
#define LIMITS_H
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Shared words stand alone: lines may be fetched in pairs. */
typedef struct { _Alignas(128) _Atomic uint64_t v; } word;
typedef struct { _Alignas(128) _Atomic uint32_t v; } word32;

static inline uint64_t look(word *w) { return atomic_load_explicit(&w->v, memory_order_acquire); }
static inline void publish(word *w, uint64_t v) {
	atomic_store_explicit(&w->v, v, memory_order_release);
}

static inline void rest(void) {
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* Lets the compiler neither leave out nor move what was read or written. */
static inline void barrier(void) { __asm__ volatile("" ::: "memory"); }

static inline int64_t now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Adds all bytes of a frame; n is a multiple of 32. */
static inline uint64_t sum(const void *frame, size_t n) {
	const uint64_t *p = frame;
	uint64_t a = 0, b = 0, c = 0, d = 0;
	for (size_t i = 0; i < n / 8; i += 4) {
		a += p[i];
		b += p[i + 1];
		c += p[i + 2];
		d += p[i + 3];
	}
	return a + b + c + d;
}

static inline void die(const char *what) {
	perror(what);
	exit(1);
}

/* The words of a frame behind its number. */
#define FILL UINT64_C(0x0101010101010101)

/* A frame to send. All of it is written: pages that never were are one and the same page, which
 * would stay in the cache of its processor. */
static inline uint64_t *new_frame(size_t size) {
	uint64_t *frame = malloc(size);
	if (frame == 0)
		die("allocate a frame");
	memset(frame, (int)(FILL & 0xff), size);
	return frame;
}

/* What the sums of n frames come to, all together, whose numbers come to that. */
static inline uint64_t sums(uint64_t n, uint64_t numbers, size_t size) {
	return numbers + n * (size / 8 - 1) * FILL;
}

static inline void *region(size_t n) {
	void *p = mmap(0, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		die("map memory");
	memset(p, 0, n);
	return p;
}

/* Moves the process to a processor; -1 leaves it where it is. */
static inline void pin(int cpu) {
	if (cpu < 0)
		return;
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0)
		die("pin to a processor");
}

/* Starts the second process; it ends with the first. Returns 0 in the second one. */
static inline pid_t split(int first, int second) {
	pid_t parent = getpid(), pid = fork();
	if (pid < 0)
		die("start the second process");
	if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent))
		_exit(1);
	pin(pid == 0 ? second : first);
	return pid;
}

static inline void end(pid_t second) {
	kill(second, SIGKILL);
	waitpid(second, 0, 0);
}

/* The time that a process, 0 for this one, has had on processors. */
static inline int64_t used(pid_t process) {
	clockid_t clock;
	struct timespec t;
	if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &t) != 0)
		die("read the clock of a process");
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Counts durations with three digits. */
enum { BITS = 11, FINE = 1 << BITS };
static uint64_t counts[64 * FINE], counted;

static inline void record(int64_t ns) {
	int shift = 0;
	while (ns >> shift >= FINE)
		shift++;
	counts[shift * FINE + (ns >> shift)]++;
	counted++;
}

static inline double percentile(double p) {
	uint64_t want = (uint64_t)(p / 100 * (double)counted), seen = 0;
	for (int i = 0; i < 64 * FINE; i++)
		if ((seen += counts[i]) > want)
			return (double)((int64_t)(i % FINE) << i / FINE);
	return 0;
}

/* cpu is the time on processors for each duration, 0 if it is not measured. */
static inline void print_percentiles(double cpu) {
	printf("{\"frames\":%llu,\"p50\":%.0f,\"p99\":%.0f,\"p999\":%.0f,\"cpu\":%.0f}\n",
	       (unsigned long long)counted, percentile(50), percentile(99), percentile(99.9), cpu);
}

/* Ends a run in which a frame was lost or torn. */
static inline void check(uint64_t got, uint64_t want) {
	if (got == want)
		return;
	fprintf(stderr, "compare sums: got %llu, want %llu\n", (unsigned long long)got,
		(unsigned long long)want);
	exit(1);
}

/* Counts frames and looks at the clock now and then; the first tenth of the time is not counted. */
typedef struct {
	uint64_t every, frames, from;
	int64_t start, begin, end, duration;
} meter;

static inline meter meter_start(size_t size, int64_t duration) {
	uint64_t every = (1 << 20) / size;
	every = every < 4 ? 4 : every > 128 ? 128 : every;
	return (meter){.every = every, .duration = duration, .start = now()};
}

/* Counts one frame and returns 0 when the time is over. */
static inline int meter_next(meter *m) {
	if (++m->frames % m->every != 0)
		return 1;
	m->end = now();
	if (m->begin == 0 && m->end - m->start >= m->duration / 10) {
		m->begin = m->end;
		m->from = m->frames;
	}
	return m->end - m->start < m->duration || m->frames == m->from;
}

static inline void meter_print(const meter *m) {
	printf("{\"frames\":%llu,\"rate\":%f}\n", (unsigned long long)m->frames,
	       (double)(m->frames - m->from) * 1e9 / (double)(m->end - m->begin));
}

#endif
