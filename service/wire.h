/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVICE_WIRE_H
#define SERVICE_WIRE_H

#include <stddef.h>
#include <stdint.h>

struct strbuf;

/* The packets and records of service/protocol.md. */
enum {
	SERVICE_PROTOCOL	= 1,
	SERVICE_PACKET_MAX	= 16384,
	SERVICE_WORDS_MAX	= 32,
	SERVICE_FIELDS_MAX	= 16,
};

enum { SERVICE_MORE = 1 };		/* service_reply.flags */

struct service_reply {
	int32_t status;
	uint32_t flags;
};

/* Most text that fits behind the header of one packet. */
enum { SERVICE_TEXT_MAX = SERVICE_PACKET_MAX - sizeof(struct service_reply) };

/*
 * Make a request.
 * @packet:	out: SERVICE_PACKET_MAX bytes
 * @word:	n strings: the verb, then its arguments
 * Return: length, -EINVAL (no word, too many) or -E2BIG
 */
int service_pack(char *packet, const char *const *word, size_t n);

/*
 * Take a request apart. The words point into the packet.
 * @word:	out: SERVICE_WORDS_MAX pointers
 * Return: number of words, or -EINVAL
 */
int service_parse(char *packet, size_t len, char **word);

/* Add a field with its special bytes as \ooo; NULL becomes "-". */
void service_escape(struct strbuf *sb, const char *field);

/* Undo service_escape(), in place. A bad escape stands for itself. */
void service_unescape(char *field);

/*
 * Split a record (without its newline) into unescaped fields, in place.
 * @field:	out: SERVICE_FIELDS_MAX pointers; what is over is left off
 * Return: number of fields
 */
size_t service_split(char *record, char **field);

#endif
