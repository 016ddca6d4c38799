package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"path"
	"syscall"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/opencdo/opencdo/internal/restic"
)

// s3Store keeps files as objects, named as in restic's default layout. An object appears whole by what S3 promises: each is
// sent in one request, with its MD5 sum.
type s3Store struct {
	addr   Address
	core   minio.Core
	region string
}

func newS3(a Address, c Config) (*s3Store, error) {
	t, err := c.transport()
	if err != nil {
		return nil, err
	}
	region := c.Getenv(envS3Region)
	client, err := minio.New(a.Host, &minio.Options{Creds: s3Credentials(a, c), Secure: a.TLS, Transport: t, Region: region,
		MaxRetries: 1}) // Steady does that
	if err != nil {
		return nil, err
	}
	return &s3Store{a, minio.Core{Client: client}, region}, nil
}

// s3Credentials asks, in this order: the environment and the store of secrets, the credentials file of Amazon's tools, the
// machine's role.
func s3Credentials(a Address, c Config) *credentials.Credentials {
	return credentials.NewChainCredentials([]credentials.Provider{
		&keptKey{addr: a, conf: c},
		&credentials.FileAWSCredentials{},
		&credentials.IAM{Client: &http.Client{Timeout: dialTimeout}},
	})
}

// keptKey is an access key from the environment, or with its secret part from the store of secrets.
type keptKey struct {
	addr Address
	conf Config
	done bool
}

// Retrieve implements credentials.Provider.
func (k *keptKey) Retrieve() (credentials.Value, error) {
	return k.RetrieveWithCredContext(nil)
}

// RetrieveWithCredContext implements credentials.Provider.
func (k *keptKey) RetrieveWithCredContext(*credentials.CredContext) (credentials.Value, error) {
	k.done = true
	v := credentials.Value{AccessKeyID: k.addr.User, SignerType: credentials.SignatureV4}
	env := k.conf.Getenv
	if id := env(envS3KeyID); id != "" && (v.AccessKeyID == "" || v.AccessKeyID == id) {
		v.AccessKeyID, v.SecretAccessKey, v.SessionToken = id, env(envS3Secret), env(envS3Token)
	}
	if v.AccessKeyID != "" && v.SecretAccessKey == "" {
		named := k.addr
		named.User = v.AccessKeyID
		secret, err := k.conf.secret(context.Background(), named.SecretName())
		if err != nil {
			return v, err
		}
		v.SecretAccessKey = secret
	}
	if v.AccessKeyID == "" || v.SecretAccessKey == "" {
		return credentials.Value{}, errors.New("no access key is given") // the next provider is asked
	}
	return v, nil
}

// IsExpired implements credentials.Provider.
func (k *keptKey) IsExpired() bool { return !k.done }

// String is the address.
func (s *s3Store) String() string { return s.addr.String() }

func (s *s3Store) key(h restic.Handle) string { return path.Join(s.addr.Path, h.String()) }

// explain gives the service's errors their meaning.
func (s *s3Store) explain(op string, err error) error {
	if err == nil {
		return nil
	}
	var r minio.ErrorResponse
	if !errors.As(err, &r) {
		return fmt.Errorf("%s: %w", op, err)
	}
	failure := &s3Error{op, r}
	switch r.Code {
	case minio.AccessDenied, "InvalidAccessKeyId", "SignatureDoesNotMatch", "AccountProblem", "ExpiredToken", "InvalidToken":
		return logonFailed(s.addr, failure)
	}
	return failure
}

// s3Error is an answer of the service.
type s3Error struct {
	op     string
	answer minio.ErrorResponse
}

func (e *s3Error) Error() string {
	return fmt.Sprintf("%s: the service answered %s (%d): %s", e.op, e.answer.Code, e.answer.StatusCode, e.answer.Message)
}

// Unwrap gives the answer's HTTP status.
func (e *s3Error) Unwrap() error {
	if e.answer.StatusCode < 400 { // made up by the client
		return e.answer
	}
	return &StatusError{Code: e.answer.StatusCode, Text: e.answer.Message}
}

// Is lets errors.Is find what the code means.
func (e *s3Error) Is(target error) bool {
	switch e.answer.Code {
	case minio.NoSuchKey, minio.NoSuchBucket:
		return target == fs.ErrNotExist
	case "XMinioStorageFull", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded":
		return target == syscall.ENOSPC
	}
	return false
}

// Init implements [restic.Backend]: it makes the bucket if there is none.
func (s *s3Store) Init(ctx context.Context) error {
	found, err := s.core.BucketExists(ctx, s.addr.Bucket)
	if err == nil && !found {
		err = s.core.MakeBucket(ctx, s.addr.Bucket, minio.MakeBucketOptions{Region: s.region})
	}
	return s.explain("make bucket "+s.addr.Bucket, err)
}

// Save implements [restic.Backend].
func (s *s3Store) Save(ctx context.Context, h restic.Handle, data *io.SectionReader) error {
	_, err := s.core.Client.PutObject(ctx, s.addr.Bucket, s.key(h), data, data.Size(),
		minio.PutObjectOptions{ContentType: "application/octet-stream", SendContentMd5: true, DisableMultipart: true})
	return s.explain("save "+h.String(), err)
}

// Load implements [restic.Backend].
func (s *s3Store) Load(ctx context.Context, h restic.Handle, offset int64, length int) (io.ReadCloser, error) {
	var o minio.GetObjectOptions
	if offset != 0 || length != 0 {
		o.Set("Range", byteRange(offset, length))
	}
	rd, _, _, err := s.core.GetObject(ctx, s.addr.Bucket, s.key(h), o)
	if err != nil {
		return nil, s.explain("load "+h.String(), err)
	}
	return rd, nil
}

// Stat implements [restic.Backend].
func (s *s3Store) Stat(ctx context.Context, h restic.Handle) (restic.FileInfo, error) {
	o, err := s.core.StatObject(ctx, s.addr.Bucket, s.key(h), minio.StatObjectOptions{})
	if err != nil {
		return restic.FileInfo{}, s.explain("look at "+h.String(), err)
	}
	return restic.FileInfo{Handle: h, Size: o.Size}, nil
}

// List implements [restic.Backend], page by page.
func (s *s3Store) List(ctx context.Context, t restic.FileType) iter.Seq2[restic.FileInfo, error] {
	return func(yield func(restic.FileInfo, error) bool) {
		dir := path.Dir(s.key(restic.Handle{Type: t}))
		if t == restic.PackFile {
			dir = path.Dir(dir) // they are in subdirectories
		}
		for o := range s.core.ListObjectsIter(ctx, s.addr.Bucket, minio.ListObjectsOptions{Prefix: dir + "/", Recursive: true}) {
			if o.Err != nil {
				if err := s.explain("list "+dir, o.Err); !errors.Is(err, fs.ErrNotExist) {
					yield(restic.FileInfo{}, err)
				}
				return
			}
			id, err := restic.ParseID(path.Base(o.Key))
			if err == nil && !yield(restic.FileInfo{Handle: restic.Handle{Type: t, ID: id}, Size: o.Size}, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(restic.FileInfo{}, err)
		}
	}
}

// Remove implements [restic.Backend]. The service doesn't tell whether the object was there.
func (s *s3Store) Remove(ctx context.Context, h restic.Handle) error {
	return s.explain("remove "+h.String(), s.core.RemoveObject(ctx, s.addr.Bucket, s.key(h), minio.RemoveObjectOptions{}))
}
