package mime

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Examples of [RFC2047] 8, and what mailers make of it.
func TestEncodedWords(t *testing.T) {
	for in, want := range map[string]string{
		"(=?ISO-8859-1?Q?a?=)":                     "(a)",
		"(=?ISO-8859-1?Q?a?= b)":                   "(a b)",
		"(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)":  "(ab)",
		"(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)": "(ab)",
		"(=?ISO-8859-1?Q?a_b?=)":                   "(a b)",
		"(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)": "(a b)",
		"=?US-ASCII?Q?Keith_Moore?=":               "Keith Moore",
		"=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=":    "Keld Jørn Simonsen",
		"=?ISO-8859-1?Q?Andr=E9?= Pirard":          "André Pirard",
		"=?ISO-8859-8?b?7eXs+SDv4SDp7Oj08A==?=":    "םולש ןב ילטפנ",
		"=?US-ASCII*EN?Q?Keith?=":                  "Keith",
		"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\t=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=": "If you can read this you understand the example.",
		"=?utf-8?Q?f=C3?= =?utf-8?Q?=BCr?=": "für",
		"=?utf-8?B?w?= no":                  " no",
		"=?x-unknown?Q?caf=E9?=":            "café",
		"a =? b ?= c":                       "a =? b ?= c",
		"=?utf-8?X?a?=":                     "=?utf-8?X?a?=",
		"caf\xe9":                           "café",
		"caf\xc3\xa9":                       "café",
	} {
		if got := decodeWords(in, 0); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// Examples of [RFC2231] 3 and 4, [RFC2183] 3, and what mailers write.
func TestParameters(t *testing.T) {
	for _, c := range []struct{ field, name, value, text string }{
		{"message/external-body; access-type=URL;\n URL*0=\"ftp://\";\n URL*1=\"cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar\"",
			"url", "message/external-body", "ftp://cs.utk.edu/pub/moore/bulk-mailer/bulk-mailer.tar"},
		{"application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A", "title", "application/x-stuff", "This is ***fun***"},
		{"application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2=\"isn't it!\"",
			"title", "application/x-stuff", "This is even more ***fun*** isn't it!"},
		{"attachment; filename=genome.jpeg; modification-date=\"Wed, 12 Feb 1997 16:29:51 -0500\"", "modification-date", "attachment",
			"Wed, 12 Feb 1997 16:29:51 -0500"},
		{"attachment; filename*=iso-8859-1''na%EFve.txt; filename=\"naive.txt\"", "filename", "attachment", "naïve.txt"},
		{"attachment; filename=\"=?utf-8?B?w7Z0LnR4dA==?=\"", "filename", "attachment", "öt.txt"},
		{"attachment; filename=two words.txt", "filename", "attachment", "two words.txt"},
		{"attachment; filename=report(1).pdf (a comment)", "filename", "attachment", "report(1).pdf"},
		{"attachment; filename = \"a;b\\\"c.txt\" ;x", "filename", "attachment", "a;b\"c.txt"},
		{"attachment; filename=\"C:\\temp\\a.txt\"", "filename", "attachment", "C:\\temp\\a.txt"},
		{"TEXT/Plain (nothing)", "charset", "text/plain", ""},
	} {
		h := parseHeader([]byte("X: " + c.field + "\n"))
		value, ps := parseValue(h.get("x"))
		if text := ps.text(c.name, 0); value != c.value || text != c.text {
			t.Errorf("%q: got %q and %q, want %q and %q", c.field, value, text, c.value, c.text)
		}
	}
}

// Examples of [RFC5322] A.1 and A.6, and what mailers write.
func TestAddresses(t *testing.T) {
	for in, want := range map[string]string{
		"John Doe <jdoe@machine.example>":                                        "John Doe <jdoe@machine.example>",
		"\"Joe Q. Public\" <john.q.public@example.com>":                          "Joe Q. Public <john.q.public@example.com>",
		"Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>":          "Mary Smith <mary@x.test>|<jdoe@example.org>|Who? <one@y.test>",
		"<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>":  "<boss@nil.test>|Giant; \"Big\" Box <sysservices@example.net>",
		"A Group:Ed Jones <joe@where.test>,joe@where.test,John <jdoe@one.test>;": "Ed Jones <joe@where.test>|<joe@where.test>|John <jdoe@one.test>",
		"Undisclosed recipients:;":                                               "",
		"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>":         "Pete <pete@silly.test>",
		"Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example":       "Mary Smith <mary@example.net>|<jdoe@test>",
		"jdoe@example.org (John Doe)":                                            "John Doe <jdoe@example.org>",
		"a@b.example; c@d.example":                                               "<a@b.example>|<c@d.example>",
		"a@b.example <a@b.example> c@d.example":                                  "a@b.example <a@b.example>|<c@d.example>",
		"=?utf-8?Q?M=C3=BCller=2C_Eva?= <eva@x.example>":                         "Müller, Eva <eva@x.example>",
		"\"=?utf-8?Q?Eva?=\" <eva@x.example>":                                    "Eva <eva@x.example>",
		"first.\"middle name\".last@x.example":                                   "<first.\"middle name\".last@x.example>",
		"Smiley :( <s@x.example>":                                                "( <s@x.example>",
		"mailer-daemon":                                                          "mailer-daemon <mailer-daemon>",
		"Only A Name":                                                            "Only A Name <>",
		"<mailto:a@b.example>":                                                   "<a@b.example>",
		"\"never closed <a@b.example>":                                           "never closed <a@b.example>",
		"":                                                                       "",
		" , ;":                                                                   "",
		strings.Repeat("(", 100000) + strings.Repeat(")", 100000) + " deep@x.example": "<deep@x.example>",
	} {
		var got []string
		for _, a := range parseAddresses(in, 0) {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s <%s>", a.Name, a.Addr)))
		}
		if g := strings.Join(got, "|"); len(in) < 1000 && g != want || len(in) >= 1000 && !strings.HasSuffix(g, want) {
			t.Errorf("%.80q: got %.200q, want %q", in, g, want)
		}
	}
}

// Examples of [RFC5322] A.1 to A.6, [RFC2822] 4.3, and what mailers write.
func TestDates(t *testing.T) {
	for in, want := range map[string]string{
		"Fri, 21 Nov 1997 09:55:06 -0600":                            "1997-11-21T15:55:06Z",
		"Tue, 1 Jul 2003 10:52:37 +0200":                             "2003-07-01T08:52:37Z",
		"Thu,\t 13\t Feb\t 1969\t 23:32\t -0330 (Newfoundland Time)": "1969-02-14T03:02:00Z",
		"21 Nov 97 09:55:06 GMT":                                     "1997-11-21T09:55:06Z",
		"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600":            "",
		"1 Feb 05 10:00 EST":                                         "2005-02-01T15:00:00Z",
		"Tue Feb  1 10:00:00 2005":                                   "2005-02-01T10:00:00Z",
		"Tue Feb  1 10:00:00 PST 2005":                               "2005-02-01T18:00:00Z",
		"1-Feb-2005 10:00:00 +0100":                                  "2005-02-01T09:00:00Z",
		"Tue, 1 February 2005 10:00:00+0100":                         "2005-02-01T09:00:00Z",
		"Sat, 31 Dec 2016 23:59:60 +0000":                            "2017-01-01T00:00:00Z",
		"Mon, 30 Feb 2005 10:00:00 +0000":                            "",
		"1 Feb 2005":                                                 "",
		"1 Feb 2005 25:00:00 +0000":                                  "",
		"1 Jan 1500 10:00:00 +0000":                                  "",
		"yesterday":                                                  "",
		"":                                                           "",
	} {
		got := ""
		if d, ok := parseDate(in); ok {
			got = d.Time().Format(time.RFC3339)
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// [MS-OXCMAIL] 2.2.3.2.6.1.
func TestSubjectPrefix(t *testing.T) {
	for in, want := range map[string][2]string{
		"RE: Plan": {"RE: ", "Plan"}, "Fwd: Plan": {"Fwd: ", "Plan"}, "AW:  Plan": {"AW:  ", "Plan"}, "Antw: Plan": {"", "Antw: Plan"},
		"a1: Plan": {"", "a1: Plan"}, ": Plan": {"", ": Plan"}, "Re:Plan": {"", "Re:Plan"}, "回复: Plan": {"回复: ", "Plan"},
		"RE: FW: Plan": {"RE: ", "FW: Plan"}, "": {"", ""},
	} {
		if prefix, rest := splitSubject(in); prefix != want[0] || rest != want[1] {
			t.Errorf("%q: got %q and %q, want %q", in, prefix, rest, want)
		}
	}
}

func TestShortNames(t *testing.T) {
	for in, want := range map[string]string{
		"a.txt": "A.TXT", "report 2020.pdf": "REPORT~1.PDF", "longerthaneight.html": "LONGER~1.HTM", "żółć.png": "~1.PNG",
		"noextension": "NOEXTE~1", ".profile": "PROFIL~1", "a+b.c": "A_B~1.C", "readme": "README", "archive.tar.gz": "ARCHIV~1.GZ",
	} {
		if got := shortName(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
