/* transfer CPU CPU NANOSECONDS SIZE PLACES: one region of some places for frames, one flag each way,
 * a copy in and a read of every byte. PLACES 0 is there and back: copy in, read every byte, copy
 * back, read every byte.
 */
#include "limits.h"

static size_t size;
static word *filled, *emptied;
static char *data;

static void flood(uint64_t places) {
	uint64_t *frame = new_frame(size);
	for (uint64_t n = 0;; n++) {
		while (n - look(emptied) >= places)
			rest();
		frame[0] = n;
		memcpy(data + n % places * size, frame, size);
		barrier();
		publish(filled, n + 1);
	}
}

static void drain(uint64_t places, int64_t duration, pid_t second) {
	uint64_t total = 0, n = 0;
	meter m = meter_start(size, duration);
	do {
		while (look(filled) <= n)
			rest();
		total += sum(data + n % places * size, size);
		publish(emptied, ++n);
	} while (meter_next(&m));
	end(second);
	check(total, sums(n, n * (n - 1) / 2, size));
	meter_print(&m);
}

static void echo(void) {
	for (uint64_t n = 1;; n++) {
		while (look(filled) != n)
			rest();
		check(sum(data, size), sums(1, n, size));
		memcpy(data + size, data, size);
		barrier();
		publish(emptied, n);
	}
}

static void ask(int64_t duration, pid_t second) {
	uint64_t *frame = new_frame(size);
	int64_t start = now(), last = start;
	for (uint64_t n = 1; last - start < duration || counted == 0; n++) {
		frame[0] = n;
		memcpy(data, frame, size);
		barrier();
		publish(filled, n);
		while (look(emptied) != n)
			rest();
		check(sum(data + size, size), sums(1, n, size));
		int64_t t = now();
		if (t - start >= duration / 10)
			record(t - last);
		last = t;
	}
	end(second);
	print_percentiles(0);
}

int main(int argc, char **argv) {
	if (argc != 6)
		return 2;
	size = (size_t)atoll(argv[4]);
	uint64_t places = (uint64_t)atoll(argv[5]);
	filled = region(2 * sizeof(word));
	emptied = filled + 1;
	data = region((places > 2 ? places : 2) * size);
	pid_t second = split(atoi(argv[1]), atoi(argv[2]));
	if (second == 0) {
		if (places == 0)
			echo();
		flood(places);
	}
	if (places == 0)
		ask(atoll(argv[3]), second);
	else
		drain(places, atoll(argv[3]), second);
	return 0;
}
