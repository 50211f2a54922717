/* SPDX-License-Identifier: GPL-2.0 */
/* The two header fields that say how to read a part. Private to mime.c. */
#ifndef VERDICT_MIME_FIELD_H
#define VERDICT_MIME_FIELD_H

#include "verdict/mime.h"

/* Read the field in m->field into m->part; every other field is ignored. */
void mime_field_read(struct mime *m);

/* Space, tab, CR or LF? */
bool line_blank_octet(char c);

/* Does it end in LF? */
bool line_is_ended(const char *line, size_t len);

/* Nothing but its line end? */
bool line_is_blank(const char *line, size_t len);

/*
 * May it stand among header fields: "Name:" with blanks before the colon
 * allowed (RFC 5322, section 4.5), the fold of a field, an mbox "From " line?
 */
bool line_is_field(const char *line, size_t len);

#endif
