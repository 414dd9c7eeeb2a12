/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include <stdbool.h>
#include <stdio.h>

/*
 * A writer of JSON, indented by two. Keys are NULL inside arrays. The
 * caller opens and closes in order; the output is then well formed.
 */
struct json {
	FILE *out;
	int depth;
	bool begun;	/* something stands already at this depth */
};

void json_open(struct json *j, const char *key, char bracket);	/* { or [ */
void json_close(struct json *j, char bracket);			/* } or ] */
void json_string(struct json *j, const char *key, const char *value);
void json_number(struct json *j, const char *key, unsigned long value);
void json_bool(struct json *j, const char *key, bool value);

/*
 * Write one string with its quotes. Text in UTF-8 stays as it is; a byte
 * that is none (file names are bytes) becomes \udcXX, as Python does it, so
 * that nothing is lost and the output is valid UTF-8.
 */
void json_quote(FILE *out, const char *s);

#endif
