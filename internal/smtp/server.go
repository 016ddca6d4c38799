package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/opencdo/opencdo/internal/mime"
	"github.com/opencdo/opencdo/mapi"
)

// Receiver has the mailboxes.
type Receiver interface {
	// Has tells whether somebody has an address.
	Has(ctx context.Context, address string) (bool, error)
	// Deliver puts a message into mailboxes and gives the addresses that got nothing and why.
	Deliver(ctx context.Context, to []string, it *mapi.Item) map[string]error
	// Bounce reports to a sender elsewhere what wasn't delivered.
	Bounce(ctx context.Context, from string, it *mapi.Item, failed map[string]error) error
}

// Config says how to listen. Receiver and Domain have to be set.
type Config struct {
	Receiver Receiver
	Domain   string      // of the mailboxes
	LMTP     bool        // each recipient is acknowledged ([RFC2033])
	TLS      *tls.Config // nil: STARTTLS isn't offered
	MaxSize  int64       // of a message in bytes; 0: DefaultMaxSize
	SpoolDir string      // where messages lie while they are read; empty: the system's directory for temporary files
	Logger   *slog.Logger
}

const (
	// DefaultMaxSize is what Exchange Online accepts at most.
	DefaultMaxSize = 150 << 20
	// maxRecipients is how many recipients a message may have in one transaction ([RFC5321] 4.5.3.1.8: 100 at least).
	maxRecipients = 1000
	// timeout is how long the other side may be silent ([RFC5321] 4.5.3.2: some minutes).
	timeout = 5 * time.Minute
)

// Serve takes messages from connections until ctx ends, and then waits for those that are under way, but not for long. Messages for
// addresses that nobody has are refused: it is no relay.
func Serve(ctx context.Context, l net.Listener, cfg Config) error {
	if cfg.MaxSize <= 0 {
		cfg.MaxSize = DefaultMaxSize
	}
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{ctx: ctx, cfg: cfg, conn: c}, nil
	}))
	s.Domain, s.LMTP, s.TLSConfig = cfg.Domain, cfg.LMTP, cfg.TLS
	s.MaxMessageBytes, s.MaxRecipients = cfg.MaxSize, maxRecipients
	s.ReadTimeout, s.WriteTimeout = timeout, timeout
	s.EnableSMTPUTF8 = true
	s.ErrorLog = errorLog{cfg.Logger}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceTime)
		defer cancel()
		if s.Shutdown(grace) != nil {
			s.Close()
		}
	})
	err := s.Serve(l)
	if !stop() {
		<-done
		return nil
	}
	s.Close()
	return err
}

// graceTime is how long a message that is under way may take when the server stops.
const graceTime = 5 * time.Second

// errorLog passes the library's errors on.
type errorLog struct{ log *slog.Logger }

func (e errorLog) Printf(format string, v ...any) {
	if e.log != nil {
		e.log.Warn("smtp", "error", fmt.Sprintf(format, v...))
	}
}

func (e errorLog) Println(v ...any) { e.Printf("%s", strings.TrimSpace(fmt.Sprintln(v...))) }

// session is a connection.
type session struct {
	ctx  context.Context
	cfg  Config
	conn *smtp.Conn
	from string
	to   []string
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	ok, err := s.cfg.Receiver.Has(s.ctx, to)
	switch {
	case err != nil:
		return s.reply(err)
	case !ok:
		return s.reply(&mapi.Error{Op: "find recipient", Object: to, Code: mapi.ErrUnknownUser})
	}
	s.to = append(s.to, to)
	return nil
}

// reply is the answer that an error stands for ([RFC3463]). What may go well later is a temporary one.
func (s *session) reply(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, mapi.ErrUnknownUser):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "nobody here has this address"}
	case errors.Is(err, mapi.ErrTooComplex), errors.Is(err, mapi.ErrCorruptData):
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "the message cannot be read"}
	}
	var known *smtp.SMTPError
	if errors.As(err, &known) {
		return known
	}
	if s.cfg.Logger != nil {
		s.cfg.Logger.Error("message not delivered", "error", err)
	}
	return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "the mailbox isn't available now"}
}

// Data implements smtp.Session. Recipients who got nothing although others did are reported to the sender: the answer is for all.
func (s *session) Data(r io.Reader) error {
	return s.receive(r, func(it *mapi.Item, failed map[string]error) error {
		switch {
		case len(failed) == 0:
			return nil
		case len(failed) < len(s.to):
			if s.from == "" { // a report: nobody is told of reports
				return nil
			}
			err := s.cfg.Receiver.Bounce(s.ctx, s.from, it, failed)
			if err != nil && s.cfg.Logger != nil {
				s.cfg.Logger.Error("report not sent", "to", s.from, "error", err)
			}
			return nil
		}
		return s.reply(failed[s.to[0]])
	})
}

// LMTPData implements smtp.LMTPSession.
func (s *session) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	return s.receive(r, func(_ *mapi.Item, failed map[string]error) error {
		for _, a := range s.to {
			status.SetStatus(a, s.reply(failed[a]))
		}
		return nil
	})
}

// receive reads a message into a file, because its attachments come last, and delivers it.
func (s *session) receive(r io.Reader, delivered func(*mapi.Item, map[string]error) error) error {
	f, err := os.CreateTemp(s.cfg.SpoolDir, "message-*.eml")
	if err != nil {
		return s.reply(err)
	}
	defer os.Remove(f.Name())
	defer f.Close()
	size, err := io.Copy(f, io.MultiReader(strings.NewReader(s.trace()), r))
	if err != nil {
		return s.reply(err)
	}
	// Nothing of a message that came this way is missing: what looks like it is the sender's doing.
	o := mime.Options{Domains: []string{s.cfg.Domain}, Damage: func(*mapi.Error) error { return nil }}
	it, err := o.Open(f, size)
	if err != nil {
		return s.reply(err)
	}
	return delivered(it, s.cfg.Receiver.Deliver(s.ctx, s.to, it))
}

// trace is the field that says how a message came here ([RFC5321] 4.4).
func (s *session) trace() string {
	with := "ESMTP"
	if s.cfg.LMTP {
		with = "LMTP"
	}
	if _, ok := s.conn.TLSConnectionState(); ok {
		with += "S"
	}
	peer := s.conn.Conn().RemoteAddr().String()
	if host, _, err := net.SplitHostPort(peer); err == nil {
		peer = host
	}
	return fmt.Sprintf("Received: from %s ([%s]) by %s with %s; %s\r\n", oneWord(s.conn.Hostname()), peer, s.cfg.Domain, with,
		time.Now().UTC().Format(time.RFC1123Z))
}

// oneWord keeps what the other side calls itself from being more than a name.
func oneWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7F && !strings.ContainsRune("();<>,\"\\", r) {
			return r
		}
		return -1
	}, s)
}
