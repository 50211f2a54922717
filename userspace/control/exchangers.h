/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Exchangers that answered 530 because they want TLS (E33), as far as the
 * records of sessions tell. A bounded table; when it is full the one that was
 * not seen for longest goes. It lives as long as the clerk. One thread.
 */
#ifndef CONTROL_EXCHANGERS_H
#define CONTROL_EXCHANGERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "postern/abi.h"

#define EXCHANGERS_MOST		64
#define EXCHANGERS_SHOWN	10

struct exchanger {
	struct postern_addr	addr;
	uint64_t		sessions;	/* in which it did; 0 = the place is free */
	uint64_t		seen;		/* ns since 1970: the last of them ended */
	uint64_t		turn;		/* order of being seen, which no clock changes */
};

/* All zero is an empty table. */
struct exchangers {
	struct exchanger	rows[EXCHANGERS_MOST];
	uint64_t		turns;
};

/*
 * A record, a line of JSON of @len octets, has come at @wall (ns since 1970).
 * What is no record of such a session changes nothing.
 */
void exchangers_note(struct exchangers *e, const char *record, size_t len, uint64_t wall);

/* Write the list "tls_wanted": the EXCHANGERS_SHOWN with most sessions, most first. */
void exchangers_put(const struct exchangers *e, struct json *j);

#endif
