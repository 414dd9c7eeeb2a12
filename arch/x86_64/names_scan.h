/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A part of names.S: is a name plain, and what does the kernel call it? */

/*
 * Can the page at rsi be read? Not -EINVAL in rax: no. It is asked for aligned
 * bytes of it, as a set of signals for which nothing is to be done.
 */
probe:
	push	%rdi
	push	%rsi
	push	%rdx
	push	%r10
	and	$-8, %rsi
	xor	%edx, %edx
	mov	$8, %r10d
	mov	$-1, %edi
	mov	$__NR_rt_sigprocmask, %eax
	syscall
	pop	%r10
	pop	%rdx
	pop	%rsi
	pop	%rdi
	cmp	$-EINVAL, %rax
	ret

/* rsi has come to another page; a path has two at most. edi counts them. */
next_page:
	inc	%edi
	cmp	$1, %edi
	jne	1f
	test	$LOOK_FIRST, %bl
	jnz	probe
	cmp	%eax, %eax
1:	ret

/* Is what r8 hashes in the set? Mixes r8; carry: it is. rdx: what is shared */
marked:
	mov	%r8, %rcx
	shr	$29, %rcx
	xor	%rcx, %r8
	movabs	$PLAIN_MIX, %rcx
	imul	%rcx, %r8
	mov	%r8d, %ecx
	and	$(PLAIN_NAMES_BITS - 1), %ecx
	mov	%ecx, %r11d
	shr	$5, %r11d
	mov	PLAIN_NAMES(%rdx, %r11, 4), %r11d
	bt	%ecx, %r11d
	jnc	1f
	mov	%r8, %rcx
	shr	$40, %rcx
	and	$(PLAIN_NAMES_BITS - 1), %ecx
	mov	%ecx, %r11d
	shr	$5, %r11d
	mov	PLAIN_NAMES(%rdx, %r11, 4), %r11d
	bt	%ecx, %r11d
1:	ret

/* The same for a node's number in r8. Sets rdx. */
number_marked:
	movabs	$PLAIN_BASIS, %rcx
	xor	%rcx, %r8
	movabs	$PLAIN_PRIME, %rcx
	imul	%rcx, %r8
	shared	%rdx
	jmp	marked

/*
 * edi, rsi: a name, as for openat; ebx: kind of call
 * Return: eax 0: it is plain; and with MADE_FIRST, no symlink is on its way
 */
scan:
	shared	%rdx
	cmpl	$0, PLAIN_ASK_ALL(%rdx)
	jne	no
	test	$LOOK_FIRST, %bl
	jz	1f
	call	probe
	jne	no
1:	movzbl	(%rsi), %eax
	cmp	$'/', %al
	je	2f
	or	$RELATIVE, %ebx
	lea	PLAIN_ASK_CWD(%rdx), %rcx
	cmp	$AT_FDCWD, %edi
	je	1f
	lea	PLAIN_ASK_DIRFD(%rdx), %rcx
1:	cmpl	$0, (%rcx)
	jne	no
2:	xor	%edi, %edi
	xor	%r9d, %r9d		/* the directory so far */
	xor	%r10d, %r10d		/* its components */

component:
	cmp	$'/', %al
	jne	1f
	inc	%rsi
	test	$4095, %esi
	jnz	2f
	call	next_page
	jne	no
2:	movzbl	(%rsi), %eax
	jmp	component
1:	test	%al, %al		/* "", "/", "name/" */
	jz	no
	movabs	$PLAIN_BASIS, %r8
	movabs	$PLAIN_PRIME, %rcx

letter:
	xor	%rax, %r8
	imul	%rcx, %r8
	inc	%rsi
	test	$4095, %esi
	jnz	1f
	call	next_page
	jne	no
	movabs	$PLAIN_PRIME, %rcx
1:	movzbl	(%rsi), %eax
	test	%al, %al
	jz	1f
	cmp	$'/', %al
	jne	letter

1:	call	marked
	jc	move

plain:
	test	%al, %al
	jz	1f
	call	descend
	jmp	component

1:	mov	%r8, %rcx
	shr	$52, %rcx
	mov	%ecx, %r11d
	shr	$5, %r11d
	mov	PLAIN_LAST(%rdx, %r11, 4), %r11d
	bt	%ecx, %r11d
	jc	no
	test	$HIDDEN, %bl
	jnz	no
	test	$LOOK_FIRST, %bl	/* the kernel will look at symlinks */
	jnz	yes
	test	%r10d, %r10d
	jz	yes
	test	$RELATIVE, %bl
	jnz	no
	test	$MOVED, %bl
	jz	1f
	mov	8 + DIR(%rsp), %r9
1:	mov	%r9d, %ecx
	and	$(PLAIN_NDIRS - 1), %ecx
	xor	PLAIN_EPOCH(%rdx), %r9
	cmp	%r9, PLAIN_DIRS(%rdx, %rcx, 8)
	jne	no
yes:
	xor	%eax, %eax
	ret
no:
	mov	$1, %eax
	ret

/* The name that is not plain may be where a move begins, or is to come. */
move:
	cmp	$'/', %al
	jne	no
	test	$RELATIVE, %bl
	jnz	no
	call	descend
	mov	%r9d, %ecx
	and	$(PLAIN_NMOVES - 1), %ecx
	shl	$MOVE_SHIFT, %ecx
	lea	PLAIN_MOVES(%rdx, %rcx), %rcx
	mov	PLAIN_EPOCH(%rdx), %r11
	xor	%r9, %r11
	cmp	%r11, MOVE_KEY(%rcx)
	jne	2f
	testl	$MOVE_ALONE, MOVE_FLAGS(%rcx)	/* learned by all of its name */
	jnz	1f
	test	$(HIDDEN | MOVED), %bl
	jnz	no
1:	and	$~HIDDEN, %ebx
	or	$MOVED, %ebx
	mov	%rcx, 8 + MOVE(%rsp)
	mov	%r11, 8 + KEY(%rsp)
	mov	%rsi, 8 + REST(%rsp)
	mov	MOVE_DIR(%rcx), %rcx
	mov	%rcx, 8 + DIR(%rsp)
	xor	%r10d, %r10d
	test	%rcx, %rcx
	setne	%r10b
	jmp	component
2:	or	$HIDDEN, %ebx
	jmp	component

/* The name in r8 belongs to the directory, r9; and to DIR, behind a move. */
descend:
	inc	%r10d
	test	$MOVED, %bl
	jz	deeper
	xchg	%r9, 16 + DIR(%rsp)
	call	deeper
	xchg	%r9, 16 + DIR(%rsp)
deeper:
	xor	%r8, %r9
	movabs	$PLAIN_MIX, %rcx
	imul	%rcx, %r9
	mov	%r9, %rcx
	shr	$32, %rcx
	xor	%rcx, %r9
	ret

/* The kernel's name of what scan found moved, to NAME. eax 0: it is there */
other_name:
	mov	8 + MOVE(%rsp), %r11
	lea	8 + NAME(%rsp), %rdi
	lea	MOVE_NAME(%r11), %rsi
	mov	MOVE_LEN(%r11), %ecx
	rep movsb
	mov	8 + REST(%rsp), %rsi
	lea	8 + NAME + NAME_SIZE(%rsp), %rcx
1:	cmp	%rcx, %rdi
	je	no
	movsb
	cmpb	$0, -1(%rdi)
	jne	1b
	mov	8 + KEY(%rsp), %rcx
	cmp	%rcx, MOVE_KEY(%r11)
	jne	no
	jmp	yes

/* The call once more, with that name. */
by_other_name:
	cmpq	$-EACCES, RESULT(%rsp)	/* above the move, perhaps */
	je	leave_asking
	call	other_name
	test	%eax, %eax
	jnz	leave_asking
	movq	$1, ROUND(%rsp)
	call	put_other_name
	jmp	*AGAIN(%rsp)

/* All registers as they were, but that of the name. */
put_other_name:
	restore	8
	lea	8 + NAME(%rsp), %rcx
	cmpq	$RSI, 8 + WHICH(%rsp)
	cmove	%rcx, %rsi
	cmpq	$RDI, 8 + WHICH(%rsp)
	cmove	%rcx, %rdi
	ret
