package ntlm

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/opencdo/opencdo/internal/gss"
	"github.com/opencdo/opencdo/mapi"
)

// AcceptorConfig is what a server authenticates users with.
type AcceptorConfig struct {
	// Lookup gives a user's NT hash; ok false: no such user. domain is as the client typed it, and may be empty. It is
	// required. An error fails the handshake and stays in its error's chain.
	Lookup func(ctx context.Context, domain, user string) (h Hash, ok bool, err error)
	// ChannelBinding of the TLS connection; nil: bindings aren't looked at. A client that names one has to name this one;
	// RequireChannelBinding refuses those that name none.
	ChannelBinding        gss.ChannelBinding
	RequireChannelBinding bool
	// Names of the server, as clients are told. Empty NetBIOS names are "WORKGROUP" and "SERVER".
	NetBIOSDomain, NetBIOSComputer string
	DNSDomain, DNSComputer         string
}

const (
	defaultDomain   = "WORKGROUP"
	defaultComputer = "SERVER"
)

// Acceptor is the server's side.
type Acceptor struct {
	session
	cfg                  AcceptorConfig
	negotiate, challenge []byte
	offer                challenge // as sent
	random               io.Reader
}

// NewAcceptor waits for a client's first token.
func NewAcceptor(cfg AcceptorConfig) *Acceptor {
	if cfg.NetBIOSDomain == "" {
		cfg.NetBIOSDomain = defaultDomain
	}
	if cfg.NetBIOSComputer == "" {
		cfg.NetBIOSComputer = defaultComputer
	}
	return &Acceptor{cfg: cfg, random: rand.Reader}
}

// Step implements gss.Context.
func (a *Acceptor) Step(ctx context.Context, token []byte) (out []byte, done bool, err error) {
	switch {
	case a.done:
		return nil, false, errSequence
	case a.challenge == nil:
		out, err = a.challengeFor(token)
		return out, false, err
	}
	offer := a.offer
	a.offer = challenge{} // a second guess at the same challenge finds nothing
	if offer.TargetInfo == nil {
		return nil, false, errSequence
	}
	if err := a.check(ctx, offer, token); err != nil {
		return nil, false, err
	}
	return nil, true, nil
}

// challengeFor answers a NEGOTIATE_MESSAGE ([MS-NLMP] 3.2.5.1.1).
func (a *Acceptor) challengeFor(token []byte) ([]byte, error) {
	var n negotiate
	if err := decode(nameNegotiate, token, &n); err != nil {
		return nil, err
	}
	if n.Flags&flagExtendedSession == 0 || n.Flags&flagDatagram != 0 {
		return nil, ErrVersion
	}
	const supported = flagUnicode | flagSign | flagSeal | flagNTLM | flagAlwaysSign | flagExtendedSession | flagVersion |
		flag128 | flagKeyExchange | flag56
	flags := n.Flags&supported | flagNTLM | flagRequestTarget | flagTargetInfo | flagTypeDomain
	if flags&flagUnicode == 0 {
		flags |= flagOEM
	}
	if flags&flag128 == 0 {
		flags &^= flagSign | flagSeal | flagKeyExchange // weaker keys protect nothing
	}
	m := challenge{Flags: flags, TargetName: text(a.cfg.NetBIOSDomain, flags)}
	if flags&flagVersion != 0 {
		m.Version = version[:]
	}
	pairs := avPairs{{avNbDomainName, mapi.EncodeUTF16(a.cfg.NetBIOSDomain)}, {avNbComputerName, mapi.EncodeUTF16(a.cfg.NetBIOSComputer)}}
	if a.cfg.DNSDomain != "" {
		pairs = append(pairs, avPair{avDNSDomainName, mapi.EncodeUTF16(a.cfg.DNSDomain)})
	}
	if a.cfg.DNSComputer != "" {
		pairs = append(pairs, avPair{avDNSComputerName, mapi.EncodeUTF16(a.cfg.DNSComputer)})
	}
	now := binary.LittleEndian.AppendUint64(nil, fileTime(time.Now()))
	m.TargetInfo = append(pairs, avPair{avTimestamp, now}).bytes()
	if _, err := io.ReadFull(a.random, m.ServerChallenge[:]); err != nil {
		return nil, err
	}
	out, err := encode(nameChallenge, &m)
	if err != nil {
		return nil, err
	}
	a.negotiate, a.challenge, a.offer = bytes.Clone(token), out, m
	return out, nil
}

// check verifies an AUTHENTICATE_MESSAGE ([MS-NLMP] 3.2.5.1.2).
func (a *Acceptor) check(ctx context.Context, offer challenge, token []byte) error {
	var m authenticate
	if err := decode(nameAuthenticate, token, &m); err != nil {
		return err
	}
	flags := m.Flags & offer.Flags
	// An NTLM version 1 response has 24 bytes; an anonymous user sends none.
	switch {
	case m.Flags&flagAnonymous != 0 || len(m.NTResponse) == 0:
		return ErrRefused
	case len(m.NTResponse) < 16+clientChallengeSize+4 || flags&flagExtendedSession == 0:
		return ErrVersion
	}
	domain, err := parseText(m.Domain, m.Flags)
	if err != nil {
		return err
	}
	user, err := parseText(m.User, m.Flags)
	if err != nil {
		return err
	}
	var blob clientChallenge
	if err := decode(nameResponse, m.NTResponse[16:], &blob); err != nil {
		return err
	}
	pairs, err := parsePairs(blob.TargetInfo)
	if err != nil {
		return err
	}
	hash, known, err := a.cfg.Lookup(ctx, domain, user)
	if err != nil {
		return fmt.Errorf("ntlm: looking for a user: %w", err)
	}
	// Unknown users take the same time.
	key := responseKey(hash, user, domain)
	if !equal(proof(key, offer.ServerChallenge, m.NTResponse[16:]), m.NTResponse[:16]) || !known {
		return ErrRefused
	}
	session := hmacMD5(key, m.NTResponse[:16])
	if flags&flagKeyExchange != 0 {
		if len(m.EncryptedSessionKey) != 16 {
			return &FormatError{nameAuthenticate, 52, "no session key of 16 bytes"}
		}
		session = rc4Once(session, m.EncryptedSessionKey)
	}
	if err := a.checkMIC(pairs, session, m.MIC, token); err != nil {
		return err
	}
	if err := a.checkBinding(pairs); err != nil {
		return err
	}
	if flags&flag128 == 0 {
		flags &^= flagSign | flagSeal
	}
	if a.peer = user; domain != "" {
		a.peer = domain + `\` + user
	}
	a.establish(flags, session, false)
	return nil
}

// checkMIC: that there is a MIC stands in the response, which the password protects, so nobody can take it away.
func (a *Acceptor) checkMIC(pairs avPairs, session, got, token []byte) error {
	if !pairs.hasMIC() {
		return nil
	}
	if got == nil {
		return &FormatError{nameAuthenticate, micOffset, "no MIC"}
	}
	zeroed := bytes.Clone(token)
	clear(zeroed[micOffset : micOffset+16])
	if !equal(mic(session, a.negotiate, a.challenge, zeroed), got) {
		return ErrIntegrity
	}
	return nil
}

func (a *Acceptor) checkBinding(pairs avPairs) error {
	if a.cfg.ChannelBinding == nil {
		if a.cfg.RequireChannelBinding {
			return ErrChannelBinding
		}
		return nil
	}
	got := pairs.get(avChannelBindings)
	if len(got) != 16 || isZero(got) {
		if a.cfg.RequireChannelBinding {
			return ErrChannelBinding
		}
		return nil
	}
	if want := a.cfg.ChannelBinding.Hash(); !equal(want[:], got) {
		return ErrChannelBinding
	}
	return nil
}
