package opencdo

import (
	"context"
	"net/http"

	"github.com/opencdo/opencdo/internal/connect"
	"github.com/opencdo/opencdo/internal/httpauth"
	"github.com/opencdo/opencdo/profile"
)

// HTTPClient gives a client for other requests to a server, such as Autodiscover's, that authenticates as cfg says, and one
// that trusts the same certificates and never does. Neither follows redirects with credentials to another host. end gives
// up what was made for them.
func (cfg *Config) HTTPClient(ctx context.Context, user, server string) (authenticated, anonymous *http.Client, end func(), err error) {
	credentials, end, err := cfg.credentials(user)
	if err != nil {
		return nil, nil, end, err
	}
	conf, err := connect.TLS(profile.CertificateRule{CAFile: cfg.CAFile})
	if err != nil {
		return nil, nil, end, err
	}
	auth, err := credentials.HTTP(ctx, user, server, nil)
	if err != nil {
		return nil, nil, end, err
	}
	plain := http.DefaultTransport.(*http.Transport).Clone()
	plain.TLSClientConfig = conf
	return &http.Client{Transport: httpauth.NewTransport(httpauth.TransportConfig{Auth: auth, TLS: conf})}, &http.Client{Transport: plain}, end, nil
}
