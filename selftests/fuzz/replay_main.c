// SPDX-License-Identifier: GPL-2.0
/* Feeds files to a fuzzer that was built without libFuzzer. usage: NAME FILE... */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define LARGEST	(1 << 20)	/* octets of an input */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
	static uint8_t data[LARGEST];

	for (int i = 1; i < argc; i++) {
		FILE *fp = fopen(argv[i], "r");

		if (!fp) {
			perror(argv[i]);
			return 1;
		}
		LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof(data), fp));
		fclose(fp);
	}
	return 0;
}
