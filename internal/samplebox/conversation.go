package samplebox

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/opencdo/opencdo/mapi"
)

// conversation is what the mails of a thread have in common.
type conversation struct {
	number  int
	lang    *language
	topic   string
	project string
	members []person // besides the owner
	start   time.Time
	guid    mapi.GUID
	page    int // code page
}

// message is one of a conversation, before it is cast in a format.
type message struct {
	*conversation
	depth      int
	author     person
	reader     person
	at         time.Time
	greeting   string
	paragraphs []string
	closing    string
}

// conversation makes the one with a number. It is the same for each mail of it.
func (m *maker) conversation(number int) *conversation {
	r := m.random("conversation", uint64(number))
	c := &conversation{number: number, lang: languageOf(number), start: moment(r)}
	c.project = pick(r, c.lang.projects)
	c.page = c.lang.pages[number/len(languageTurns)%len(c.lang.pages)]
	c.members = m.circle(r, c.lang)
	c.topic = c.lang.fill(r, pick(r, c.lang.subjects), c.project, c.members[0].given, c.start)
	if number%10 == 3 {
		c.topic = pick(r, []string{"🎉 ", "📈 ", "⚠️ ", "🚚 ", "👩‍🔬 "}) + c.topic
	}
	copy(c.guid[:], randomBytes(r, 16))
	return c
}

// circle is two to four people of whom the first speaks the language.
func (b *box) circle(r *rand.Rand, l *language) []person {
	all := b.people
	if chance(r, 3) {
		all = b.others
	}
	var list []person
	for _, i := range r.Perm(len(all)) {
		if all[i].lang == l && len(list) < 2 {
			list = append(list, all[i])
		}
	}
	for range r.IntN(3) {
		list = append(list, pick(r, b.people))
	}
	return distinct(list)
}

// message makes the mail at a depth. Even ones come from the members and odd ones from the owner, as far as replies to them
// quote them.
func (m *maker) message(c *conversation, depth int) message {
	r := m.random("message", uint64(c.number)<<8|uint64(depth))
	first := c.members[depth/2%len(c.members)]
	msg := message{conversation: c, depth: depth, author: first, reader: m.owner}
	if depth%2 == 1 {
		msg.author, msg.reader = m.owner, first
	}
	msg.at = c.start
	for i := range depth {
		wait := time.Duration(10+m.random("wait", uint64(c.number)<<8|uint64(i)).IntN(2000)) * time.Minute
		msg.at = nextWorking(msg.at.Add(wait))
	}
	if msg.at.After(baseDate) {
		msg.at = baseDate.Add(-time.Duration(longestThread-depth) * time.Minute)
	}
	l := c.lang
	// Lengths of texts are log-normal. A sentence has about twelve words.
	n := int(math.Round(9 * math.Exp(0.7*r.NormFloat64())))
	msg.greeting = l.fill(r, pick(r, l.greetings), c.project, msg.reader.given, msg.at)
	msg.paragraphs = l.prose(r, min(max(n, 1), 120), c.project, pick(r, m.people).display, msg.at)
	msg.closing = pick(r, l.closings)
	return msg
}

// id is the Message-ID.
func (msg *message) id() string {
	return fmt.Sprintf("<%x.%d.%x@%s>", msg.guid[:6], msg.depth, mix(uint64(msg.number))&0xFFFFFFFF, domain)
}

// threadIndex is the PidTagConversationIndex of the mail ([MS-OXOMSG] 2.2.1.3).
func (m *maker) threadIndex(c *conversation, depth int) []byte {
	b := conversationIndex(c.start, c.guid)
	for d := 1; d <= depth; d++ {
		b = appendReply(b, m.message(c, d).at.Sub(c.start), byte(m.random("reply", uint64(c.number)<<8|uint64(d)).Uint32()))
	}
	return b
}

// conversationIndex is the index of the first mail: the upper six bytes of its time, and a GUID.
func conversationIndex(start time.Time, g mapi.GUID) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(ft(start)))[:6]
	return append(b, g[:]...)
}

// appendReply adds a level: its distance from the first mail in 1/10 µs, shortened to 31 bits in one of two ways, and a byte
// that tells apart replies of the same time.
func appendReply(b []byte, after time.Duration, apart byte) []byte {
	ticks := uint64(max(after, 0) / 100)
	code := uint32(ticks>>18) & 0x7FFFFFFF
	if ticks >= 1<<49 {
		code = 1<<31 | uint32(ticks>>23)&0x7FFFFFFF
	}
	return append(binary.BigEndian.AppendUint32(b, code), apart)
}
