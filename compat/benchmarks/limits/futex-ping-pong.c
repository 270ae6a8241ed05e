/* futex-ping-pong CPU CPU NANOSECONDS [RATE]: both sides block in the kernel and wake each other.
 * With a rate: one wakes the other so many times a second; the time from before the wake-up until
 * the other runs is what counts. Prints also what both processes take of processors.
 */
#include "limits.h"

static word32 *flags;
static word *stamp;

static void ring(word32 *w, uint32_t n) {
	atomic_store_explicit(&w->v, n, memory_order_release);
	syscall(SYS_futex, &w->v, FUTEX_WAKE, 1, 0, 0, 0);
}

/* Waits until the word is n or, when the other side was faster, more. Returns what it is. */
static uint32_t await(word32 *w, uint32_t n) {
	uint32_t v;
	while ((v = atomic_load_explicit(&w->v, memory_order_acquire)) < n)
		syscall(SYS_futex, &w->v, FUTEX_WAIT, v, 0, 0, 0);
	return v;
}

static void pace(int64_t rate) {
	int64_t next = now();
	for (uint32_t n = 1;; n++) {
		next += 1000000000 / rate;
		struct timespec t = {next / 1000000000, next % 1000000000};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, 0);
		publish(stamp, (uint64_t)now());
		ring(&flags[0], n);
	}
}

static void answer(void) {
	for (uint32_t n = 1;; n++) {
		await(&flags[0], n);
		ring(&flags[1], n);
	}
}

int main(int argc, char **argv) {
	if (argc < 4)
		return 2;
	int64_t rate = argc > 4 ? atoll(argv[4]) : 0;
	flags = region(2 * sizeof(word32));
	stamp = region(sizeof(word));
	pid_t second = split(atoi(argv[1]), atoi(argv[2]));
	if (second == 0) {
		if (rate > 0)
			pace(rate);
		answer();
	}
	int64_t duration = atoll(argv[3]), start = now(), last = start, cpu = 0;
	for (uint32_t n = 1; last - start < duration || counted == 0; n++) {
		if (rate == 0)
			ring(&flags[0], n);
		n = await(&flags[rate > 0 ? 0 : 1], n);
		/* Before the clock: the other side may stamp the next one at any time. */
		int64_t woken = rate > 0 ? (int64_t)look(stamp) : last, t = now();
		if (t - start >= duration / 10) {
			record(t - woken);
			if (counted == 1) /* what comes after this one counts */
				cpu = used(0) + used(second);
		}
		last = t;
	}
	cpu = used(0) + used(second) - cpu;
	end(second);
	print_percentiles((double)cpu / (double)(counted > 1 ? counted - 1 : 1));
	return 0;
}
