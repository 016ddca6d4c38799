package ntlm

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"io"
	"log/slog"
	"time"

	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/mapi"
)

// Config is what an initiator authenticates with.
type Config struct {
	User string
	// Domain is the NetBIOS or DNS name of the user's domain; empty where User is a principal name (anna@example.com).
	Domain      string
	Password    string
	Workstation string // may be empty
	// TargetName is the service's principal name, such as "HTTP/mail.example.com"; empty: unknown.
	TargetName     string
	ChannelBinding gss.ChannelBinding
	// Sign and Seal ask for keys that protect messages. Seal includes Sign.
	Sign, Seal bool
	// NoKeyExchange leaves the session key to the password, as peers without key exchange have it.
	NoKeyExchange bool
}

// String leaves the password out.
func (c Config) String() string { return `ntlm: ` + c.Domain + `\` + c.User }

// GoString leaves the password out.
func (c Config) GoString() string { return c.String() }

// LogValue leaves the password out.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Initiator is the client's side.
type Initiator struct {
	session
	cfg       Config
	negotiate []byte

	now    func() time.Time
	random io.Reader
}

// NewInitiator begins a handshake: the first Step takes nil, the second the server's challenge.
func NewInitiator(cfg Config) *Initiator {
	return &Initiator{cfg: cfg, now: time.Now, random: rand.Reader}
}

// offered are the flags of the NEGOTIATE_MESSAGE.
func (i *Initiator) offered() uint32 {
	f := uint32(flagUnicode | flagOEM | flagRequestTarget | flagNTLM | flagAlwaysSign | flagExtendedSession |
		flagTargetInfo | flagVersion | flag128 | flag56)
	if i.cfg.Sign || i.cfg.Seal {
		f |= flagSign
		if !i.cfg.NoKeyExchange {
			f |= flagKeyExchange
		}
	}
	if i.cfg.Seal {
		f |= flagSeal
	}
	return f
}

// Step implements gss.Context.
func (i *Initiator) Step(_ context.Context, token []byte) (out []byte, done bool, err error) {
	switch {
	case i.done:
		return nil, false, errSequence
	case i.negotiate == nil && token == nil:
		i.negotiate, err = encode(nameNegotiate, &negotiate{Flags: i.offered(), Version: version[:]})
		return i.negotiate, false, err
	case i.negotiate != nil:
		out, err = i.answer(token)
		return out, err == nil, err
	}
	return nil, false, errSequence
}

// answer makes the AUTHENTICATE_MESSAGE ([MS-NLMP] 3.1.5.1.2).
func (i *Initiator) answer(token []byte) ([]byte, error) {
	var ch challenge
	if err := decode(nameChallenge, token, &ch); err != nil {
		return nil, err
	}
	flags := i.offered() & ch.Flags
	if flags&flagExtendedSession == 0 || flags&flagNTLM == 0 {
		return nil, ErrVersion
	}
	if flags&flagUnicode != 0 {
		flags &^= flagOEM
	}
	if want := i.offered() & (flagSign | flagSeal); want != 0 && flags&(want|flag128) != want|flag128 {
		return nil, errNoSecrecy
	}
	flags |= flagRequestTarget
	pairs := avPairs{}
	if ch.Flags&flagTargetInfo != 0 {
		var err error
		if pairs, err = parsePairs(ch.TargetInfo); err != nil {
			return nil, err
		}
	}
	i.peer = mapi.DecodeUTF16(pairs.get(avDNSComputerName))
	now, timed := pairs.timestamp()
	if !timed {
		now = fileTime(i.now())
	}
	blob := clientChallenge{Time: now}
	if _, err := io.ReadFull(i.random, blob.Challenge[:]); err != nil {
		return nil, err
	}
	info := i.extend(pairs, timed).bytes()
	blob.TargetInfo = append(info, 0, 0, 0, 0)

	key := responseKey(NTHash(i.cfg.Password), i.cfg.User, i.cfg.Domain)
	response, err := encode(nameResponse, &blob)
	if err != nil {
		return nil, err
	}
	m := authenticate{
		NTResponse: append(proof(key, ch.ServerChallenge, response), response...),
		LMResponse: make([]byte, 24), // where the server told its time ([MS-NLMP] 3.1.5.1.2)
		Domain:     text(i.cfg.Domain, flags),
		User:       text(i.cfg.User, flags),
		Flags:      flags,
		Version:    version[:],

		Workstation: text(i.cfg.Workstation, flags),
	}
	if !timed {
		m.LMResponse = lmResponse(key, ch.ServerChallenge, blob.Challenge)
	}
	session := hmacMD5(key, m.NTResponse[:16])
	if flags&flagKeyExchange != 0 {
		exported := make([]byte, 16)
		if _, err := io.ReadFull(i.random, exported); err != nil {
			return nil, err
		}
		m.EncryptedSessionKey = rc4Once(session, exported)
		session = exported
	}
	if timed {
		m.MIC = make([]byte, 16)
	}
	out, err := encode(nameAuthenticate, &m)
	if err != nil {
		return nil, err
	}
	if timed {
		copy(out[micOffset:], mic(session, i.negotiate, token, out))
	}
	i.establish(flags, session, true)
	return out, nil
}

// extend adds what the client says to the server's pairs. A server that tells its time knows all of them; others may not,
// so they get only what they are known to need.
func (i *Initiator) extend(pairs avPairs, timed bool) avPairs {
	if timed {
		pairs = pairs.withFlags(avFlagMIC)
	}
	if timed || i.cfg.ChannelBinding != nil {
		sum := i.cfg.ChannelBinding.Hash()
		pairs = pairs.set(avChannelBindings, sum[:])
	}
	if timed || i.cfg.TargetName != "" {
		pairs = pairs.set(avTargetName, mapi.EncodeUTF16(i.cfg.TargetName))
	}
	return pairs
}

// hasMIC reads MsvAvFlags.
func (l avPairs) hasMIC() bool { return l.flags()&avFlagMIC != 0 }

// isZero says whether a channel binding hash stands for none.
func isZero(b []byte) bool {
	for len(b) >= 8 {
		if binary.LittleEndian.Uint64(b) != 0 {
			return false
		}
		b = b[8:]
	}
	return true
}
