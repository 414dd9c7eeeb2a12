/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/json.h"

#include "tools/utf8.h"

static void quote_byte(FILE *out, unsigned char c)
{
	static const char letter[] = "btn\0fr";

	if (c == '"' || c == '\\')
		fprintf(out, "\\%c", c);
	else if (c >= '\b' && c <= '\r' && letter[c - '\b'])
		fprintf(out, "\\%c", letter[c - '\b']);
	else if (c < ' ' || c == 0x7f)
		fprintf(out, "\\u%04x", c);
	else if (c >= 0x80)
		fprintf(out, "\\udc%02x", c);
	else
		putc(c, out);
}

void json_quote(FILE *out, const char *s)
{
	putc('"', out);
	while (*s) {
		size_t len = utf8_length(s);

		if (len > 1)
			fwrite(s, 1, len, out);
		else
			quote_byte(out, (unsigned char)*s);
		s += len ? len : 1;
	}
	putc('"', out);
}

static void begin(struct json *j, const char *key)
{
	if (j->begun)
		putc(',', j->out);
	if (j->depth)
		fprintf(j->out, "\n%*s", 2 * j->depth, "");
	j->begun = true;
	if (!key)
		return;
	json_quote(j->out, key);
	fputs(": ", j->out);
}

void json_open(struct json *j, const char *key, char bracket)
{
	begin(j, key);
	putc(bracket, j->out);
	j->depth++;
	j->begun = false;
}

void json_close(struct json *j, char bracket)
{
	j->depth--;
	if (j->begun)
		fprintf(j->out, "\n%*s", 2 * j->depth, "");
	putc(bracket, j->out);
	j->begun = true;
	if (!j->depth)
		putc('\n', j->out);
}

void json_string(struct json *j, const char *key, const char *value)
{
	begin(j, key);
	json_quote(j->out, value);
}

void json_number(struct json *j, const char *key, unsigned long value)
{
	begin(j, key);
	fprintf(j->out, "%lu", value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	begin(j, key);
	fputs(value ? "true" : "false", j->out);
}
