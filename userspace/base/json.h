/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A JSON writer into a fixed buffer: no allocation, never past the end. What
 * does not fit marks the record as cut, and json_end() says so. Strings are
 * peer octets: quotes and backslashes get a backslash; control octets and
 * valid UTF-8 leave as \uXXXX, every octet that is not valid UTF-8 as \u00XX.
 * So a record is one line of plain ASCII. Keys may be NULL: inside arrays.
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
/*
 * Ends the object with "}\n" and a NUL behind it. Returns its length without
 * the NUL, or -ENOSPC when it was cut.
 */
int json_end(struct json *j);

#endif
