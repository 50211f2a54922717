// SPDX-License-Identifier: GPL-2.0
/*
 * The inspector's event records, as tbl/records.h lists them, one datagram
 * each to the clerk. A clerk that does not keep up costs records, which are
 * counted, and never a session's time.
 */
#include <sys/socket.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/reason.h"
#include "session/session.h"

/* The longest record: every octet of text as \u00XX. */
#define RECORD_OCTETS	(32 * 1024)

#define RECORD(name, kind, in, text) RECORD_##name,
enum record_field {
#include "tbl/records.h"
};
#undef RECORD

#define RECORD(name, kind, in, text) [RECORD_##name] = #name,
static const char *const keys[] = {
#include "tbl/records.h"
};
#undef RECORD

static const char *const verdict_words[] = {
	[VERDICT_ACCEPT] = "accept",
	[VERDICT_REJECT] = "reject",
	[VERDICT_TEMPFAIL] = "tempfail",
	[VERDICT_DROP] = "drop",
};

/* The fields that stand in every record. */
static void put_common(struct json *j, const struct session *s, const char *event)
{
	const struct facts *f = &s->mail.facts;
	char server[ADDR_TEXT], time[CLOCK_TEXT];

	json_text(j, keys[RECORD_time], clock_text(s->worker->wall, time));
	json_text(j, keys[RECORD_event], event);
	json_text(j, keys[RECORD_sid], s->ticket);
	json_text(j, keys[RECORD_client], s->client_text);
	json_number(j, keys[RECORD_port], s->client_port);
	json_text(j, keys[RECORD_server], addr_text(&f->server, server));
	json_number(j, keys[RECORD_subscriber], (int64_t)f->subscriber);
	json_text(j, keys[RECORD_class], s->env.class->title);
	json_flag(j, keys[RECORD_shadow], s->line.shadow);
	json_text(j, keys[RECORD_helo], f->helo);
	json_text(j, keys[RECORD_from], f->from);
	json_number(j, keys[RECORD_recipients], f->recipients);
	json_number(j, keys[RECORD_refused], f->refused);
	json_number(j, keys[RECORD_octets], (int64_t)f->octets);
}

static void put_findings(struct json *j, const struct verdict *v)
{
	json_open(j, keys[RECORD_findings], '[');
	for (uint32_t i = 0; i < v->count && i < FACTS_FINDINGS; i++) {
		json_open(j, NULL, '{');
		json_text(j, "rule", v->findings[i].rule);
		json_text(j, "detail", v->findings[i].detail);
		json_number(j, "score", v->findings[i].score);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void put_messages(struct json *j, const struct session_messages *m)
{
	json_open(j, keys[RECORD_messages], '{');
	json_number(j, "started", m->started);
	json_number(j, "accepted", m->accepted);
	json_number(j, "rejected", m->rejected);
	json_number(j, "tempfailed", m->tempfailed);
	json_number(j, "aborted", m->aborted);
	json_close(j, '}');
}

static void send_record(struct worker *w, struct json *j)
{
	int len = json_end(j);

	if (w->all->record_fd < 0)
		return;
	if (len < 0 || send(w->all->record_fd, j->buf, (size_t)len,
			    MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		worker_tally(w, POSTERN_R_log_dropped);
}

void record_verdict(struct session *s, const struct verdict *v)
{
	char text[RECORD_OCTETS];
	struct json j;

	json_begin(&j, text, sizeof(text));
	put_common(&j, s, "verdict");
	json_text(&j, keys[RECORD_verdict], verdict_words[v->action]);
	json_number(&j, keys[RECORD_score], v->score);
	json_flag(&j, keys[RECORD_unscanned], v->unscanned);
	put_findings(&j, v);
	send_record(s->worker, &j);
}

void record_session(struct session *s, enum postern_reason reason)
{
	char text[RECORD_OCTETS];
	struct json j;

	json_begin(&j, text, sizeof(text));
	put_common(&j, s, "session");
	json_text(&j, keys[RECORD_reason], reason_name(reason));
	json_number(&j, keys[RECORD_code], s->mail.code);
	json_number(&j, keys[RECORD_duration_ms],
		    (int64_t)((s->worker->now - s->born) / NS_PER_MS));
	json_number(&j, keys[RECORD_client_octets], (int64_t)s->client.octets_in);
	json_number(&j, keys[RECORD_server_octets], (int64_t)s->server.octets_in);
	json_number(&j, keys[RECORD_to_client_octets], (int64_t)s->client.octets_out);
	json_number(&j, keys[RECORD_to_server_octets], (int64_t)s->server.octets_out);
	put_messages(&j, &s->messages);
	json_flag(&j, keys[RECORD_tls], s->tls.passed);
	json_number(&j, keys[RECORD_tls_octets],
		    s->tls.passed ? (int64_t)smtp_tunnel_octets(&s->smtp) : 0);
	json_flag(&j, keys[RECORD_tls_wanted], s->tls.wanted);
	send_record(s->worker, &j);
}
