/* ping-pong CPU CPU NANOSECONDS: 64 bytes into a shared line, a flag, out again, and back the same
 * way. Both sides look all the time.
 */
#include "limits.h"

typedef struct {
	word flag;
	_Alignas(128) char data[64];
} line;

static void send(line *l, const void *from, uint64_t n) {
	memcpy(l->data, from, sizeof l->data);
	barrier();
	publish(&l->flag, n);
}

static void receive(line *l, void *to, uint64_t n) {
	while (look(&l->flag) != n)
		rest();
	memcpy(to, l->data, sizeof l->data);
	barrier();
}

int main(int argc, char **argv) {
	if (argc != 4)
		return 2;
	line *there = region(2 * sizeof(line)), *back = there + 1;
	uint64_t frame[8] = {0};
	pid_t second = split(atoi(argv[1]), atoi(argv[2]));
	if (second == 0)
		for (uint64_t n = 1;; n++) {
			receive(there, frame, n);
			send(back, frame, n);
		}
	int64_t duration = atoll(argv[3]), start = now(), last = start;
	for (uint64_t n = 1; last - start < duration; n++) {
		frame[0] = n;
		send(there, frame, n);
		frame[0] = 0;
		receive(back, frame, n);
		check(frame[0], n);
		int64_t t = now();
		if (t - start >= duration / 10)
			record(t - last);
		last = t;
	}
	end(second);
	print_percentiles(0);
	return 0;
}
