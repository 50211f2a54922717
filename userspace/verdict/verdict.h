/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The content verdict: message octets in, findings and a verdict out. Pure:
 * no socket, no clock, no file. One pass, linear time, bounded memory.
 *
 * struct verdict_rules  compiled once, read-only, shared by all threads
 * struct verdict_bench  one thread's scratch memory
 * struct verdict_scan   one message in progress; belongs to its bench's thread
 */
#ifndef VERDICT_VERDICT_H
#define VERDICT_VERDICT_H

#include "base/conf.h"
#include "base/facts.h"

struct verdict_rules;
struct verdict_bench;
struct verdict_scan;

/*
 * Compile the shipped rules and those of @conf. Returns 0; or -EINVAL with
 * "FILE:LINE: rule NAME: what is wrong" in @err, a line each; or -ENOMEM.
 */
int verdict_rules_new(const struct conf *conf, struct verdict_rules **out, char *err,
		      size_t err_size);
void verdict_rules_free(struct verdict_rules *r);

/* One for each thread. -ENOMEM. */
int verdict_bench_new(const struct verdict_rules *r, struct verdict_bench **out);
void verdict_bench_free(struct verdict_bench *b);

/* Octets that one message in progress takes, for the owner's memory budget. */
size_t verdict_scan_octets(const struct verdict_bench *b);

/* Begin a message. -ENOMEM. */
int verdict_scan_new(struct verdict_bench *b, struct verdict_scan **out);

/* Next octets of the message, dot stuffing removed, header first. */
void verdict_scan_feed(struct verdict_scan *scan, const char *data, size_t len);

/* Is a rejection certain already, whatever follows? */
bool verdict_scan_certain(const struct verdict_scan *scan);

/*
 * End the message and judge it: REJECT from @reject_score on or by a finding
 * that is enough alone, TEMPFAIL when an engine failed, else ACCEPT. Returns 0,
 * and the scan is released; or -EAGAIN from an engine that needs more time: ask
 * again, or throw the scan away. The engines of today always answer at once.
 */
int verdict_scan_end(struct verdict_scan *scan, const struct facts *facts,
		     int64_t reject_score, struct verdict *out);

/* Throw an unfinished scan away; NULL is fine. */
void verdict_scan_free(struct verdict_scan *scan);

#endif
