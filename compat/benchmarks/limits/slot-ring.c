/* slot-ring CPU CPU NANOSECONDS SIZE: slots of one size in 1 MiB. The writer publishes its head at
 * each slot, the reader its tail at every 32nd one.
 */
#include "limits.h"

int main(int argc, char **argv) {
	if (argc != 5)
		return 2;
	size_t size = (size_t)atoll(argv[4]);
	uint64_t slots = (1 << 20) / size;
	word *head = region(2 * sizeof(word)), *tail = head + 1;
	char *data = region(1 << 20);
	pid_t second = split(atoi(argv[1]), atoi(argv[2]));
	if (second == 0) {
		uint64_t *frame = new_frame(size), seen = 0;
		for (uint64_t n = 0;; n++) {
			while (n - seen >= slots && n - (seen = look(tail)) >= slots)
				rest();
			frame[0] = n;
			memcpy(data + n % slots * size, frame, size);
			barrier();
			publish(head, n + 1);
		}
	}
	uint64_t total = 0, seen = 0, n = 0;
	meter m = meter_start(size, atoll(argv[3]));
	do {
		while (n >= seen && n >= (seen = look(head)))
			rest();
		total += sum(data + n % slots * size, size);
		if (++n % 32 == 0)
			publish(tail, n);
	} while (meter_next(&m));
	end(second);
	check(total, sums(n, n * (n - 1) / 2, size));
	meter_print(&m);
	return 0;
}
