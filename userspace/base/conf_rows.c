// SPDX-License-Identifier: GPL-2.0
/* tbl/params.h as tables that the configuration's reader walks. */
#include <stddef.h>

#include "base/conf_private.h"

#define ROWS(a)			(sizeof(a) / sizeof((a)[0]))

#define ROW(type, name, kind, def, low, high, unit) \
	{ #name, CONF_KIND_##kind, def, low, high, unit, offsetof(struct type, name) },

const struct conf_param conf_globals[] = {
#define PARAM_GLOBAL(name, kind, def, low, high, unit, text) \
	ROW(conf, name, kind, def, low, high, unit)
#include "tbl/params.h"
};
const size_t conf_global_count = ROWS(conf_globals);

static const struct conf_param interface_params[] = {
#define PARAM_INTERFACE(name, kind, def, low, high, unit, text) \
	ROW(conf_interface, name, kind, def, low, high, unit)
#include "tbl/params.h"
};
static const struct conf_param class_params[] = {
#define PARAM_CLASS(name, kind, def, low, high, unit, text) \
	ROW(conf_class, name, kind, def, low, high, unit)
#include "tbl/params.h"
};
static const struct conf_param pool_params[] = {
#define PARAM_POOL(name, kind, def, low, high, unit, text) \
	ROW(conf_pool, name, kind, def, low, high, unit)
#include "tbl/params.h"
};
static const struct conf_param destination_params[] = {
#define PARAM_DESTINATION(name, kind, def, low, high, unit, text) \
	ROW(conf_destination, name, kind, def, low, high, unit)
#include "tbl/params.h"
};
static const struct conf_param rule_params[] = {
#define PARAM_RULE(name, kind, def, low, high, unit, text) \
	ROW(conf_rule, name, kind, def, low, high, unit)
#include "tbl/params.h"
};

#define SECTION(name, field, most, first) \
	{ #name, name##_params, ROWS(name##_params), sizeof(struct conf_##name), \
	  offsetof(struct conf, field), offsetof(struct conf, name##_count), most, first }

const struct conf_section conf_sections[CONF_SECTIONS] = {
	SECTION(interface, interfaces, 4096, NULL),
	SECTION(class, classes, POSTERN_MAX_CLASSES, "default"),
	SECTION(pool, pools, POSTERN_MAX_POOLS, NULL),
	SECTION(destination, destinations, POSTERN_MAX_DESTINATIONS, NULL),
	SECTION(rule, rules, 10000, NULL),
};

/* Room in the tables of conf_grammar.c. */
_Static_assert(ROWS(interface_params) <= CONF_MOST_PARAMS, "");
_Static_assert(ROWS(class_params) <= CONF_MOST_PARAMS, "");
_Static_assert(ROWS(pool_params) <= CONF_MOST_PARAMS, "");
_Static_assert(ROWS(destination_params) <= CONF_MOST_PARAMS, "");
_Static_assert(ROWS(rule_params) <= CONF_MOST_PARAMS, "");
