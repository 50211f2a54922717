/* SPDX-License-Identifier: GPL-2.0 */
/* Octets that grow. Never shrinks its memory; all zero is empty. */
#ifndef SCENARIO_BYTES_H
#define SCENARIO_BYTES_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
	char	*data;
	size_t	len;
	size_t	size;
};

static inline void bytes_add(struct bytes *b, const char *data, size_t len)
{
	if (b->size - b->len < len) {
		b->size = (b->len + len) * 2 + 256;
		b->data = realloc(b->data, b->size);
		if (!b->data) {
			perror("scenario");
			exit(2);
		}
	}
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

static inline void bytes_free(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){ 0 };
}

#endif
