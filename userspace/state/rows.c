// SPDX-License-Identifier: GPL-2.0
/*
 * The rows of the state store as structs. A value that no release writes is
 * treated as damage: the row is passed over.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "state/sql.h"

static const struct postern_addr no_addr;

int state_audit(struct state *s, const char *who, const char *what)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(s->db, "INSERT INTO audit (at, who, what) VALUES "
				    "(strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), ?1, ?2)", -1, &st,
				    NULL);

	if (rc != SQLITE_OK)
		return sql_error(s, rc);
	sqlite3_bind_text(st, 1, who, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(st, 2, what, -1, SQLITE_TRANSIENT);
	rc = sql_next(s, &st);
	sql_drop(s, &st);
	return rc;
}

/* A walk of the caller's, by the kind of its rows. */
struct walk {
	void *arg;
	union {
		int (*subscriber)(void *arg, uint64_t id, const char *name);
		int (*line)(void *arg, const struct postern_prefix *line, uint64_t subscriber);
		int (*treatment)(void *arg, const struct state_treatment *t);
		int (*pool)(void *arg, const struct state_pool *pool);
		int (*destination)(void *arg, const struct state_destination *d);
	} each;
};

/* Give every row of @st, a statement that sql_find() made with result @rc, to @row. */
static int walk_rows(struct state *s, int rc, sqlite3_stmt *st,
		     int (*row)(const struct walk *w, sqlite3_stmt *st), const struct walk *w)
{
	if (rc)
		return rc;
	while ((rc = sql_next(s, &st)) == 1) {
		rc = row(w, st);
		if (rc)
			break;
	}
	sql_drop(s, &st);
	return rc;
}

/* All rows of a table. */
static int walk_table(struct state *s, enum sql_table table,
		      int (*row)(const struct walk *w, sqlite3_stmt *st), const struct walk *w)
{
	sqlite3_stmt *st;
	int rc = sql_find(s, table, "", &st, "");

	return walk_rows(s, rc, st, row, w);
}

/* The first row of a select, or -ENOENT; the caller drops the statement. */
static int first(struct state *s, sqlite3_stmt **st)
{
	int got = sql_next(s, st);

	return got == 1 ? 0 : got ? got : -ENOENT;
}

int state_subscriber_find(struct state *s, const char *name, uint64_t *id)
{
	sqlite3_stmt *st;
	int err = sql_find(s, SQL_SUBSCRIBERS, "name = ?1", &st, "t", name);

	if (!err)
		err = first(s, &st);
	if (!err)
		*id = sql_number(st, 0);
	sql_drop(s, &st);
	return err;
}

/* Above every id in the table, damaged rows included: none is used twice. */
static int next_id(struct state *s, uint64_t *id)
{
	sqlite3_stmt *st;
	int rc = sqlite3_prepare_v2(s->db, "SELECT coalesce(max(id), 0) + 1 FROM "
				    "main.subscribers", -1, &st, NULL);
	int err;

	if (rc != SQLITE_OK)
		return sql_error(s, rc);
	err = first(s, &st);
	if (!err)
		*id = sql_number(st, 0);
	sql_drop(s, &st);
	return err;
}

int state_subscriber_make(struct state *s, const char *name, uint64_t *id)
{
	int err = state_subscriber_find(s, name, id);

	if (err != -ENOENT)
		return err ? err : -EEXIST;
	err = next_id(s, id);
	return err ? err : sql_put(s, SQL_SUBSCRIBERS, "nt", *id, name);
}

int state_subscriber_name(struct state *s, uint64_t id, char name[STATE_NAME])
{
	sqlite3_stmt *st;
	int err = sql_find(s, SQL_SUBSCRIBERS, "id = ?1", &st, "n", id);

	if (!err)
		err = first(s, &st);
	if (!err)
		sql_text(st, 1, name, STATE_NAME);
	sql_drop(s, &st);
	return err;
}

static int subscriber_row(const struct walk *w, sqlite3_stmt *st)
{
	char name[STATE_NAME];

	sql_text(st, 1, name, sizeof(name));
	return w->each.subscriber(w->arg, sql_number(st, 0), name);
}

int state_subscriber_each(struct state *s,
			  int (*each)(void *arg, uint64_t id, const char *name), void *arg)
{
	struct walk w = { .arg = arg, .each.subscriber = each };

	return walk_table(s, SQL_SUBSCRIBERS, subscriber_row, &w);
}

int state_line_set(struct state *s, const struct postern_prefix *line, uint64_t subscriber)
{
	return sql_put(s, SQL_LINES, "ann", &line->addr, (uint64_t)line->prefix_len, subscriber);
}

int state_line_get(struct state *s, const struct postern_prefix *line, uint64_t *subscriber)
{
	sqlite3_stmt *st;
	int err = sql_find(s, SQL_LINES, "addr = ?1 AND bits = ?2", &st, "an", &line->addr,
			   (uint64_t)line->prefix_len);

	if (!err)
		err = first(s, &st);
	if (!err)
		*subscriber = sql_number(st, 2);
	sql_drop(s, &st);
	return err;
}

int state_line_del(struct state *s, const struct postern_prefix *line)
{
	return sql_del(s, SQL_LINES, "an", &line->addr, (uint64_t)line->prefix_len);
}

/* False when the columns hold no prefix. */
static bool read_prefix(sqlite3_stmt *st, int column, struct postern_prefix *out)
{
	uint64_t bits = sql_number(st, column + 1);

	sql_addr(st, column, &out->addr);
	out->prefix_len = (__u32)bits;
	return bits <= 128;
}

static int line_row(const struct walk *w, sqlite3_stmt *st)
{
	struct postern_prefix line;

	return read_prefix(st, 0, &line) ? w->each.line(w->arg, &line, sql_number(st, 2)) : 0;
}

int state_line_each(struct state *s, uint64_t subscriber,
		    int (*each)(void *arg, const struct postern_prefix *line,
				uint64_t subscriber), void *arg)
{
	struct walk w = { .arg = arg, .each.line = each };
	sqlite3_stmt *st;
	int rc;

	if (!subscriber)
		return walk_table(s, SQL_LINES, line_row, &w);
	rc = sql_find(s, SQL_LINES, "subscriber = ?1", &st, "n", subscriber);
	return walk_rows(s, rc, st, line_row, &w);
}

/* Who a subscriber-wide treatment belongs to; 0 for the other scopes. */
static uint64_t owner(const struct state_treatment *t)
{
	return t->scope == STATE_SUBSCRIBER ? t->subscriber : 0;
}

static const struct postern_addr *key_addr(const struct state_treatment *t)
{
	return t->scope == STATE_SUBSCRIBER ? &no_addr : &t->prefix.addr;
}

static uint64_t key_bits(const struct state_treatment *t)
{
	return t->scope == STATE_SUBSCRIBER ? 0 : t->prefix.prefix_len;
}

int state_treatment_set(struct state *s, const struct state_treatment *t)
{
	return sql_put(s, SQL_TREATMENTS, "nannnnttnn", (uint64_t)t->scope, key_addr(t),
		       key_bits(t), owner(t), t->subscriber, (uint64_t)t->treatment, t->who,
		       t->why, t->since, t->until);
}

/* False when the row says something that we never write. */
static bool read_treatment(sqlite3_stmt *st, struct state_treatment *out)
{
	uint64_t scope = sql_number(st, 0), treatment = sql_number(st, 5);

	if (scope > STATE_SUBSCRIBER || !read_prefix(st, 1, &out->prefix) ||
	    (treatment != POSTERN_EXEMPT && treatment != POSTERN_REFUSE))
		return false;
	out->scope = (enum state_scope)scope;
	out->subscriber = sql_number(st, 4);
	out->treatment = (enum postern_treatment)treatment;
	sql_text(st, 6, out->who, sizeof(out->who));
	sql_text(st, 7, out->why, sizeof(out->why));
	out->since = sql_number(st, 8);
	out->until = sql_number(st, 9);
	return true;
}

int state_treatment_get(struct state *s, const struct state_treatment *key,
			struct state_treatment *out)
{
	sqlite3_stmt *st;
	int err = sql_find(s, SQL_TREATMENTS,
			   "scope = ?1 AND addr = ?2 AND bits = ?3 AND owner = ?4", &st, "nann",
			   (uint64_t)key->scope, key_addr(key), key_bits(key), owner(key));

	if (!err)
		err = first(s, &st);
	if (!err && !read_treatment(st, out))
		err = -ENOENT;
	sql_drop(s, &st);
	return err;
}

int state_treatment_del(struct state *s, const struct state_treatment *key)
{
	return sql_del(s, SQL_TREATMENTS, "nann", (uint64_t)key->scope, key_addr(key),
		       key_bits(key), owner(key));
}

static int treatment_row(const struct walk *w, sqlite3_stmt *st)
{
	struct state_treatment t;

	return read_treatment(st, &t) ? w->each.treatment(w->arg, &t) : 0;
}

int state_treatment_each(struct state *s,
			 int (*each)(void *arg, const struct state_treatment *t), void *arg)
{
	struct walk w = { .arg = arg, .each.treatment = each };

	return walk_table(s, SQL_TREATMENTS, treatment_row, &w);
}

int state_forget(struct state *s, uint64_t wall)
{
	char statement[120];

	snprintf(statement, sizeof(statement),
		 "DELETE FROM main.treatments WHERE until > 0 AND until < %lld",
		 (long long)wall);
	return sql_run(s, statement);
}

int state_pool_set(struct state *s, const struct state_pool *pool)
{
	return sql_put(s, SQL_POOLS, "anntnnn", &pool->prefix.addr,
		       (uint64_t)pool->prefix.prefix_len, (uint64_t)pool->treatment,
		       pool->class_name, (uint64_t)pool->line_len, (uint64_t)pool->rollout,
		       (uint64_t)pool->flags);
}

int state_pool_del(struct state *s, const struct postern_prefix *prefix)
{
	return sql_del(s, SQL_POOLS, "an", &prefix->addr, (uint64_t)prefix->prefix_len);
}

static bool read_pool(sqlite3_stmt *st, struct state_pool *out)
{
	uint64_t treatment = sql_number(st, 2), line_len = sql_number(st, 4);
	uint64_t rollout = sql_number(st, 5);

	if (!read_prefix(st, 0, &out->prefix) || treatment < POSTERN_STEER ||
	    treatment > POSTERN_REFUSE || line_len < out->prefix.prefix_len || line_len > 128 ||
	    rollout > 100)
		return false;
	out->treatment = (enum postern_treatment)treatment;
	sql_text(st, 3, out->class_name, sizeof(out->class_name));
	out->line_len = (unsigned int)line_len;
	out->rollout = (unsigned int)rollout;
	out->flags = (unsigned int)sql_number(st, 6);
	return true;
}

static int pool_row(const struct walk *w, sqlite3_stmt *st)
{
	struct state_pool pool;

	return read_pool(st, &pool) ? w->each.pool(w->arg, &pool) : 0;
}

int state_pool_each(struct state *s, int (*each)(void *arg, const struct state_pool *pool),
		    void *arg)
{
	struct walk w = { .arg = arg, .each.pool = each };

	return walk_table(s, SQL_POOLS, pool_row, &w);
}

int state_destination_set(struct state *s, const struct state_destination *d)
{
	return sql_put(s, SQL_DESTINATIONS, "annt", &d->prefix.addr,
		       (uint64_t)d->prefix.prefix_len, (uint64_t)d->rule, d->class_name);
}

int state_destination_del(struct state *s, const struct postern_prefix *prefix)
{
	return sql_del(s, SQL_DESTINATIONS, "an", &prefix->addr, (uint64_t)prefix->prefix_len);
}

static bool read_destination(sqlite3_stmt *st, struct state_destination *out)
{
	uint64_t rule = sql_number(st, 2);

	if (!read_prefix(st, 0, &out->prefix) ||
	    (rule != POSTERN_DEST_PASS && rule != POSTERN_DEST_CLASS))
		return false;
	out->rule = (enum postern_destination_rule)rule;
	sql_text(st, 3, out->class_name, sizeof(out->class_name));
	return true;
}

static int destination_row(const struct walk *w, sqlite3_stmt *st)
{
	struct state_destination d;

	return read_destination(st, &d) ? w->each.destination(w->arg, &d) : 0;
}

int state_destination_each(struct state *s,
			   int (*each)(void *arg, const struct state_destination *d), void *arg)
{
	struct walk w = { .arg = arg, .each.destination = each };

	return walk_table(s, SQL_DESTINATIONS, destination_row, &w);
}
