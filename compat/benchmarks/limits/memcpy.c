/* memcpy CPU CPU NANOSECONDS SIZE: what one processor copies, from one place to another; the second
 * processor has nothing to do.
 */
#include "limits.h"

int main(int argc, char **argv) {
	if (argc != 5)
		return 2;
	size_t size = (size_t)atoll(argv[4]);
	pin(atoi(argv[1]));
	char *from = region(size), *to = region(size);
	meter m = meter_start(size, atoll(argv[3]));
	do {
		memcpy(to, from, size);
		barrier();
	} while (meter_next(&m));
	meter_print(&m);
	return 0;
}
