package samplebox

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// language is what office mail of one language is made of. Templates hold slots in braces, filled by [language.fill]; they
// are worded so that names and numbers need no inflection.
type language struct {
	code   string // as in Content-Language
	locale int32  // LCID
	pages  []int  // code pages that mail in it comes in
	rtl    bool
	group  string // thousands separator
	date   string // layout of dates

	reply, forward string // subject prefixes
	asked          string // heading of a quoted message
	labels         [4]string
	greetings      []string // {c} is the addressee
	closings       []string
	subjects       []string // of mail
	meetings       []string // subjects in the calendar
	chores         []string // subjects of tasks
	sentences      []string
	files          []string // names of documents, without extension
	projects       []string // names of projects, and of their folders
	places         []string
	given, family  []name
	familyFirst    bool
	job            []string
}

// name is part of a person's name, and its form in addresses.
type name struct{ native, latin string }

// languages are chosen by turns, so that each occurs in a small mailbox: see languageOf.
var languages = []*language{&english, &german, &greek, &russian, &hebrew, &arabic, &chinese, &japanese, &korean, &thai}

// languageTurns is the share of each language among conversations.
var languageTurns = []*language{
	&english, &german, &english, &russian, &english, &chinese, &german, &english, &hebrew, &greek,
	&english, &german, &japanese, &english, &arabic, &russian, &german, &korean, &english, &thai,
}

func languageOf(n int) *language { return languageTurns[n%len(languageTurns)] }

// products of the company.
var products = []string{"FM-200", "FM-350", "PT-14", "LevelGuard", "CalBench 3", "TC-9", "HydroSense", "VibroScan 2", "GateKeeper", "PT-22 Ex"}

// fill replaces the slots of a template: {p} project, {o} product, {n} a number, {m} an amount of money, {q} a percentage,
// {t} a time of day, {d} a date near at, {f} a document, {c} a person.
func (l *language) fill(r *rand.Rand, s, project, person string, at time.Time) string {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '{')
		if i < 0 || i+2 >= len(s) || s[i+2] != '}' {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i])
		switch s[i+1] {
		case 'p':
			b.WriteString(project)
		case 'o':
			b.WriteString(pick(r, products))
		case 'n':
			fmt.Fprint(&b, 2+r.IntN(38))
		case 'm':
			b.WriteString(l.amount(10*(20+r.IntN(9000))) + " €")
		case 'q':
			fmt.Fprintf(&b, "%d %%", 2+r.IntN(60))
		case 't':
			fmt.Fprintf(&b, "%d:%02d", 8+r.IntN(10), 15*r.IntN(4))
		case 'd':
			b.WriteString(at.AddDate(0, 0, 1+r.IntN(20)).Format(l.date))
		case 'f':
			b.WriteString(pick(r, l.files))
		case 'c':
			b.WriteString(person)
		}
		s = s[i+3:]
	}
}

func (l *language) amount(n int) string {
	if n >= 1000 {
		return fmt.Sprintf("%d%s%03d", n/1000, l.group, n%1000)
	}
	return fmt.Sprint(n)
}

// prose is n sentences in paragraphs of a few. Long texts come back to a sentence only when all were used.
func (l *language) prose(r *rand.Rand, n int, project, person string, at time.Time) []string {
	join := " "
	if l.code == "zh" || l.code == "ja" {
		join = ""
	}
	var paragraphs, current []string
	var order []int
	for i := range n {
		if len(order) == 0 {
			order = r.Perm(len(l.sentences))
		}
		current = append(current, l.fill(r, l.sentences[order[0]], project, person, at))
		order = order[1:]
		if len(current) >= 2+r.IntN(3) || i == n-1 {
			paragraphs = append(paragraphs, strings.Join(current, join))
			current = nil
		}
	}
	return paragraphs
}
