/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A JSON writer into a fixed buffer: no allocation, never past the end. What
 * does not fit marks the record as cut, and json_end() says so. Strings are
 * peer octets: control octets, quotes and everything that is not valid UTF-8
 * leave as \u00XX, so a record is one line of plain ASCII.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	char	*buf;
	size_t	size;
	size_t	len;
	bool	cut;
	bool	comma;
};

void json_begin(struct json *j, char *buf, size_t size);	/* writes "{" */
void json_text(struct json *j, const char *key, const char *value);
void json_octets(struct json *j, const char *key, const char *value, size_t len);
void json_number(struct json *j, const char *key, int64_t value);
void json_flag(struct json *j, const char *key, bool value);
void json_open(struct json *j, const char *key, char bracket);	/* '{' or '['; key NULL in arrays */
void json_close(struct json *j, char bracket);			/* '}' or ']' */
/* Ends the object with "}\n". Returns its length, or -ENOSPC when it was cut. */
int json_end(struct json *j);

#endif
