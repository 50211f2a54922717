// SPDX-License-Identifier: GPL-2.0
/* The engine's door: waits and epochs, what is wanted, limits too large for a script. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "smtp_owner.h"

#define MEGABYTE	(1024 * 1024)

static struct owner *o;

static void say(int side, const char *text)
{
	owner_send(o, side, text, strlen(text), false);
}

static void forget(void)
{
	int i;

	for (i = 0; i < KINDS; i++)
		o->got[i].len = 0;
}

static void begin(void)
{
	o = calloc(1, sizeof(*o));
	owner_reset(o);
	owner_start(o, SMTP_REPLY_COUNT);
	say(SERVER, "220 mx\r\n");
	say(CLIENT, "EHLO a\r\n");
	say(SERVER, "250-mx\r\n250 PIPELINING\r\n");
}

static void finish(void)
{
	free(o);
}

static void begin_message(void)
{
	say(CLIENT, "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n");
	say(SERVER, "250 ok\r\n250 ok\r\n354 go\r\n");
	forget();
}

static uint32_t epoch(void)
{
	uint32_t now;

	smtp_waiting(&o->smtp, &now);
	return now;
}

static enum smtp_wait row(void)
{
	uint32_t now;

	return smtp_waiting(&o->smtp, &now);
}

static bool heard(const char *text)
{
	return o->got[TO_CLIENT].len >= strlen(text) &&
	       !memcmp(o->got[TO_CLIENT].data, text, strlen(text));
}

TestSuite(smtp_engine, .init = begin, .fini = finish);

static void begin_chunks(void)
{
	o->class.chunking = CONF_CHUNKING_PASS;
	say(CLIENT, "EHLO a\r\n");
	say(SERVER, "250-mx\r\n250 CHUNKING\r\n");
	say(CLIENT, "MAIL FROM:<a>\r\n");
	say(SERVER, "250 ok\r\n");
	say(CLIENT, "RCPT TO:<b>\r\n");
	say(SERVER, "250 ok\r\n");
}

/* Accept before the end means nothing: it is asked for again. */
Test(smtp_engine, accept_before_the_last_chunk)
{
	begin_chunks();
	say(CLIENT, "BDAT 3 LAST\r\nx\r\n");
	smtp_verdict(&o->smtp, VERDICT_ACCEPT);
	owner_turns(o, false);
	o->got[TO_CLIENT].len = 0;
	say(SERVER, "250 3\r\n");
	cr_assert(row() == SMTP_WAIT_verdict && o->acts == SMTP_ACT_VERDICT);
	smtp_verdict(&o->smtp, VERDICT_REJECT);
	owner_turns(o, false);
	cr_assert(heard("550 5.7.1 "));
	cr_assert(!memmem(o->got[TO_SERVER].data, o->got[TO_SERVER].len, " LAST", 5));
}

/* E16: a refusal without a transaction, or within the octets of DATA, refuses nothing. */
Test(smtp_engine, refusal_out_of_place)
{
	smtp_refuse_data(&o->smtp, SMTP_REPLY_memory);
	begin_chunks();
	say(CLIENT, "DATA\r\n");
	say(SERVER, "354 go\r\n");
	cr_assert(row() == SMTP_WAIT_body);
	smtp_refuse_data(&o->smtp, SMTP_REPLY_memory);
	say(CLIENT, "a\r\n.\r\n");
	smtp_verdict(&o->smtp, VERDICT_ACCEPT);
	owner_turns(o, false);
	o->got[TO_CLIENT].len = 0;
	say(SERVER, "250 taken\r\n");
	cr_assert(heard("250 taken\r\n"));
}

/* E16: between chunks the message ends with it, and the leg lives on. */
Test(smtp_engine, refusal_between_chunks)
{
	begin_chunks();
	say(CLIENT, "BDAT 3\r\nx\r\n");
	say(SERVER, "250 3\r\n");
	o->got[TO_CLIENT].len = o->got[TO_SERVER].len = 0;
	smtp_refuse_data(&o->smtp, SMTP_REPLY_memory);
	say(CLIENT, "BDAT 3 LAST\r\ny\r\n");
	cr_assert(heard("452 4.3.1 ") && o->ended == 1 && !o->accepted);
	cr_assert(o->got[TO_SERVER].len == 6 && !memcmp(o->got[TO_SERVER].data, "RSET\r\n", 6));
	say(SERVER, "250 flushed\r\n");
	cr_assert(row() == SMTP_WAIT_idle && !o->acts);
}

/* From LAST on one deadline holds: for its octets, the verdict and the end (section 9). */
Test(smtp_engine, epoch_of_the_last_chunk)
{
	uint32_t last;

	begin_chunks();
	say(CLIENT, "BDAT 3 LAST\r\nx\r\n");
	last = epoch();
	cr_assert(row() == SMTP_WAIT_dot);
	say(SERVER, "250 3\r\n");
	cr_assert(row() == SMTP_WAIT_verdict && epoch() == last);
	smtp_verdict(&o->smtp, VERDICT_ACCEPT);
	owner_turns(o, false);
	cr_assert(row() == SMTP_WAIT_dot && epoch() == last);
	say(SERVER, "250 ok\r\n");
	cr_assert(row() == SMTP_WAIT_idle && epoch() != last);
}

/* A line that comes octet by octet has one deadline; every command starts idle anew. */
Test(smtp_engine, epoch_of_a_line)
{
	uint32_t idle = epoch(), line;

	say(CLIENT, "N");
	line = epoch();
	cr_assert(line != idle && row() == SMTP_WAIT_line);
	say(CLIENT, "OO");
	say(CLIENT, "P");
	cr_assert(epoch() == line);
	say(CLIENT, "\r\n");
	cr_assert(row() == SMTP_WAIT_reply);
	say(SERVER, "250 ok\r\n");
	cr_assert(row() == SMTP_WAIT_idle && epoch() != line);
	idle = epoch();
	say(CLIENT, "STARTTLS\r\n");
	cr_assert(row() == SMTP_WAIT_idle && epoch() != idle, "a command answered here counts");
}

/* E61: lines of a reply do not buy time, whole replies do. */
Test(smtp_engine, epoch_of_a_reply)
{
	uint32_t first;

	say(CLIENT, "NOOP\r\nNOOP\r\n");
	first = epoch();
	cr_assert(row() == SMTP_WAIT_reply);
	say(SERVER, "250-a\r\n");
	say(SERVER, "250-b\r\n250");
	cr_assert(epoch() == first);
	say(SERVER, " c\r\n");
	cr_assert(epoch() != first && row() == SMTP_WAIT_reply);
	first = epoch();
	say(CLIENT, "NOOP\r\n");
	cr_assert(row() == SMTP_WAIT_reply);
}

/* Verdict and dot share one span; octets of the message each start theirs. */
Test(smtp_engine, epoch_of_a_message)
{
	uint32_t then;

	begin_message();
	cr_assert(row() == SMTP_WAIT_body);
	then = epoch();
	say(CLIENT, "a");
	cr_assert(row() == SMTP_WAIT_body && epoch() != then);
	then = epoch();
	owner_turns(o, false);
	cr_assert(epoch() == then, "a turn without octets is no progress");
	say(CLIENT, "\r\n.\r\n");
	cr_assert(row() == SMTP_WAIT_verdict && epoch() != then);
	then = epoch();
	smtp_verdict(&o->smtp, VERDICT_ACCEPT);
	owner_turns(o, false);
	cr_assert(row() == SMTP_WAIT_dot && epoch() == then);
	say(SERVER, "250 ok\r\n");
	cr_assert(row() == SMTP_WAIT_idle && epoch() != then);
}

Test(smtp_engine, who_does_not_read)
{
	begin_message();
	bytes_add(&o->in[CLIENT], "hello\r\n", 7);
	owner_turn(o, 0);
	cr_assert(row() == SMTP_WAIT_write);
	owner_turns(o, false);
	cr_assert(row() == SMTP_WAIT_body && o->got[TO_SERVER].len == 7);

	bytes_add(&o->in[CLIENT], "again\r\n", 7);
	owner_turn(o, 0);
	smtp_expire(&o->smtp);
	owner_turns(o, false);
	cr_assert(o->acts == SMTP_ACT_RESET_SERVER, "the exchanger does not read: it is left");
	say(CLIENT, ".\r\n");
	cr_assert(heard("451 4.4.2 ") && o->ended == 1);
}

Test(smtp_engine, client_does_not_read)
{
	bytes_add(&o->in[CLIENT], "STARTTLS\r\n", 10);
	owner_turn(o, 0);
	cr_assert(row() == SMTP_WAIT_write);
	smtp_expire(&o->smtp);
	owner_turn(o, 0);
	cr_assert(o->acts == (SMTP_ACT_RESET_CLIENT | SMTP_ACT_RESET_SERVER));
	cr_assert(smtp_end_reason(&o->smtp) == POSTERN_R_end_timeout_write);
}

/* The exchanger does not take a command. */
Test(smtp_engine, command_not_taken)
{
	bytes_add(&o->in[CLIENT], "NOOP\r\n", 6);
	owner_turn(o, 3);
	cr_assert(row() == SMTP_WAIT_write);
	smtp_expire(&o->smtp);
	forget();
	owner_turns(o, false);
	cr_assert(heard("421 4.4.2 ") && !o->got[TO_SERVER].len);
	cr_assert(smtp_end_reason(&o->smtp) == POSTERN_R_end_timeout_write);
}

/* When the client is to be read: never while its octets could only be held. */
Test(smtp_engine, wants_client)
{
	int i;

	cr_assert(smtp_wants_client(&o->smtp));
	for (i = 0; i < 63; i++)
		say(CLIENT, "NOOP\r\n");
	cr_assert(!smtp_wants_client(&o->smtp), "slots are full");
	say(SERVER, "250 ok\r\n");
	cr_assert(smtp_wants_client(&o->smtp));
	for (i = 0; i < 62; i++)
		say(SERVER, "250 ok\r\n");
	say(CLIENT, "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n");
	cr_assert(smtp_wants_client(&o->smtp), "octets behind DATA have to be seen (E14)");
	say(SERVER, "250 ok\r\n250 ok\r\n354 go\r\n");
	cr_assert(smtp_wants_client(&o->smtp));
	say(CLIENT, ".\r\n");
	cr_assert(!smtp_wants_client(&o->smtp), "a verdict is pending");
	smtp_verdict(&o->smtp, VERDICT_ACCEPT);
	owner_turns(o, false);
	cr_assert(!smtp_wants_client(&o->smtp));
	say(SERVER, "250 ok\r\n");
	cr_assert(smtp_wants_client(&o->smtp));
}

Test(smtp_engine, in_transaction)
{
	cr_assert(!smtp_in_transaction(&o->smtp));
	say(CLIENT, "MAIL FROM:<a>\r\n");
	cr_assert(!smtp_in_transaction(&o->smtp), "not answered yet");
	say(SERVER, "250 ok\r\n");
	cr_assert(smtp_in_transaction(&o->smtp));
	say(CLIENT, "RSET\r\n");
	say(SERVER, "250 ok\r\n");
	cr_assert(!smtp_in_transaction(&o->smtp));
	begin_message();
	cr_assert(smtp_in_transaction(&o->smtp));
	say(CLIENT, ".\r\n");
	cr_assert(smtp_in_transaction(&o->smtp));
	smtp_verdict(&o->smtp, VERDICT_REJECT);
	owner_turns(o, false);
	cr_assert(!smtp_in_transaction(&o->smtp));
}

Test(smtp_engine, finish_with_a_reason)
{
	forget();
	smtp_finish(&o->smtp, SMTP_REPLY_closing_timeout, POSTERN_R_end_timeout_total);
	smtp_shutdown(&o->smtp);
	owner_turns(o, false);
	cr_assert(heard("421 4.4.2 "), "the first asked for counts");
	cr_assert(smtp_end_reason(&o->smtp) == POSTERN_R_end_timeout_total);
}

static void send_run(size_t len)
{
	static char run[16 * 1024];
	size_t n;

	memset(run, 'x', sizeof(run));
	for (; len; len -= n) {
		n = len < sizeof(run) ? len : sizeof(run);
		owner_send(o, CLIENT, run, n, false);
		o->got[TO_SERVER].len = o->got[CONTENT].len = 0;
	}
}

/* E51: a line of a megabyte passes, one octet more is refused. */
Test(smtp_engine, longest_line)
{
	begin_message();
	send_run(MEGABYTE);
	say(CLIENT, "\r\n");
	send_run(MEGABYTE);
	say(CLIENT, "\r\n");
	cr_assert(!o->acts);
	send_run(MEGABYTE);
	cr_assert(!o->acts);
	say(CLIENT, "x");
	cr_assert(o->acts == SMTP_ACT_RESET_SERVER);
	say(CLIENT, "\r\n.\r\n");
	cr_assert(heard("554 5.5.2 line of the message too long"));
}

/* E51: a dot of stuffing does not count, nor does where the line began. */
Test(smtp_engine, longest_line_behind_others)
{
	begin_message();
	say(CLIENT, "x\r\n\r\n..");
	send_run(MEGABYTE - 1);
	cr_assert(!o->acts);
	say(CLIENT, "\r\n.\r\n");
	cr_assert(o->acts == SMTP_ACT_VERDICT);
}

/* E14: what is held behind DATA is bounded by the owner's buffer and none of it is lost. */
Test(smtp_engine, held_behind_data)
{
	size_t i;

	say(CLIENT, "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n");
	for (i = 0; i < SMTP_CLIENT_INPUT / 8; i++)
		bytes_add(&o->in[CLIENT], "1234567\n", 8);
	for (i = 0; i < SMTP_CLIENT_INPUT; i += 8)
		o->in[CLIENT].data[i + 6] = '\r';
	owner_turns(o, false);
	cr_assert(o->in[CLIENT].len == SMTP_CLIENT_INPUT);
	say(SERVER, "250 ok\r\n250 ok\r\n354 go\r\n");
	cr_assert(o->in[CLIENT].len == 0 && o->got[CONTENT].len == SMTP_CLIENT_INPUT);
}

/* What the exchanger says at a time makes no difference (B7): the same, cut behind @first. */
static enum postern_reason answered(const char *first, const char *second, bool together)
{
	char both[64];

	if (together) {
		snprintf(both, sizeof(both), "%s%s", first, second);
		say(SERVER, both);
	} else {
		say(SERVER, first);
		say(SERVER, second);
	}
	return smtp_end_reason(&o->smtp);
}

Test(smtp_engine, replies_come_together)
{
	say(CLIENT, "HELO a\r\n");
	say(SERVER, "250 mx\r\n");
	forget();
	/* Lock-step: RCPT waits for the answer to MAIL, and is answered by the next line. */
	say(CLIENT, "MAIL FROM:<a>\r\nRCPT TO:<b>\r\n");
	answered("250 one\r\n", "250 two\r\n", true);
	cr_expect(heard("250 one\r\n250 two\r\n"));
	cr_expect_eq(o->acts, 0);
}

Test(smtp_engine, end_between_transactions_comes_first)
{
	int i;

	for (i = 0; i < 2; i++) {
		finish();
		begin();
		say(CLIENT, "NOOP\r\n");
		smtp_shutdown(&o->smtp);
		cr_expect_eq(answered("250 ok\r\n", "x\r\n", i), POSTERN_R_end_shutdown, "%d", i);
	}
}

Test(smtp_engine, client_that_has_left_comes_first)
{
	int i;

	for (i = 0; i < 2; i++) {
		finish();
		begin();
		say(CLIENT, "NOOP\r\n");
		o->eof[CLIENT] = true;
		owner_turns(o, false);
		cr_expect_eq(answered("250 ok\r\n", "x\r\n", i), POSTERN_R_end_client_closed,
			     "%d", i);
	}
}

/* What we have to say ourselves reaches a client that has ended its side, too. */
Test(smtp_engine, our_replies_reach_a_client_that_has_left)
{
	say(CLIENT, "NOOP\r\nfrob\r\nBDAT 5\r\n");
	forget();
	o->eof[CLIENT] = true;		/* seen in the turn of the answer */
	say(SERVER, "250 ok\r\n");
	cr_expect(heard("250 ok\r\n502 "), "%.*s", (int)o->got[TO_CLIENT].len,
		  o->got[TO_CLIENT].data);
}
