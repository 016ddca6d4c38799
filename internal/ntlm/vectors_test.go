package ntlm

import (
	"bytes"
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"time"
)

// unhex reads hexadecimal digits with spaces between them.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The messages of [MS-NLMP] 4.2.4.3.
const (
	vectorChallenge = `4e544c4d53535000 02000000 0c000c0038000000 33828ae2 0123456789abcdef 0000000000000000 2400240044000000
		060070170000000f 530065007200760065007200 02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000`
	vectorAuthenticate = `4e544c4d53535000 03000000 180018006c000000 5400540084000000 0c000c0048000000 0800080054000000
		100010005c000000 10001000d8000000 358288e2 0501280a0000000f 44006f006d00610069006e00 5500730065007200
		43004f004d0050005500540045005200 86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa 68cd0ab851e51c96aabc927bebef6a1c
		0101000000000000 0000000000000000 aaaaaaaaaaaaaaaa 00000000 02000c0044006f006d00610069006e00
		01000c00530065007200760065007200 00000000 00000000 c5dad2544fc9799094ce1ce90bc9d03e`
)

// The worked example of NTLM version 2, [MS-NLMP] 4.2.4: the initiator with the same inputs says the same.
func TestVectorsAuthentication(t *testing.T) {
	i := NewInitiator(Config{User: "User", Domain: "Domain", Password: "Password", Workstation: "COMPUTER", Sign: true, Seal: true})
	i.now = func() time.Time { return time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC) }
	i.random = io.MultiReader(strings.NewReader(strings.Repeat("\xaa", 8)), strings.NewReader(strings.Repeat("\x55", 16)))
	if _, _, err := i.Step(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	out, done, err := i.Step(t.Context(), unhex(t, vectorChallenge))
	if err != nil || !done {
		t.Fatal(done, err)
	}
	want := unhex(t, vectorAuthenticate)
	copy(want[64:], version[:]) // the example's is another Windows
	if !bytes.Equal(out, want) {
		t.Errorf("AUTHENTICATE_MESSAGE:\n%x, want\n%x", out, want)
	}
	// 4.2.4.4
	message := unhex(t, "50006c00610069006e007400650078007400")
	token, err := i.Seal(message, message)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(message), "54e50165bf1936dc996020c1811b0f06fb5f"; got != want {
		t.Errorf("sealed %s, want %s", got, want)
	}
	if got, want := hex.EncodeToString(token), "010000007fb38ec5c55d497600000000"; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

// The messages of the example come back to the byte.
func TestVectorsMessages(t *testing.T) {
	for name, c := range map[string]struct {
		m    interface{ code(*coder) }
		text string
	}{
		nameChallenge:    {&challenge{}, vectorChallenge},
		nameAuthenticate: {&authenticate{}, vectorAuthenticate},
	} {
		t.Run(name, func(t *testing.T) {
			want := unhex(t, c.text)
			if err := decode(name, want, c.m); err != nil {
				t.Fatal(err)
			}
			got, err := encode(name, c.m)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%x, %v, want\n%x", got, err, want)
			}
		})
	}
}

// [MS-NLMP] 4.2.4.1, and 4.2.3.4 for the checksum without key exchange, whose keys are given there.
func TestVectorsKeys(t *testing.T) {
	key := responseKey(NTHash("Password"), "User", "Domain")
	exported := bytes.Repeat([]byte{0x55}, 16)
	blob := unhex(t, vectorAuthenticate)[0x94:0xd8]
	session := hmacMD5(key, proof(key, [8]byte(unhex(t, "0123456789abcdef")), blob))
	weak := newDirection(unhex(t, "60e799be5c72fc92922ae8ebe961fb8d"), unhex(t, "04dd7f014d8504d265a25cc86a3a7c06"), false)
	sealed := unhex(t, "50006c00610069006e007400650078007400")
	signature := weak.seal(sealed, sealed)
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"NTOWFv1", func() []byte { h := NTHash("Password"); return h[:] }(), "a4f49c406510bdcab6824ee7c30fd852"},
		{"NTOWFv2", key, "0c868a403bfd7a93a3001ef22ef02e3f"},
		{"SessionBaseKey", session, "8de40ccadbc14a82f15cb0ad0de95ca3"},
		{"EncryptedRandomSessionKey", rc4Once(session, exported), "c5dad2544fc9799094ce1ce90bc9d03e"},
		{"SIGNKEY", deriveKey(exported, clientSign), "4788dc861b4782f35d43fd98fe1a2d39"},
		{"SEALKEY", deriveKey(exported, clientSeal), "59f600973cc4960a25480a7c196e4c58"},
		{"sealed without key exchange", sealed, "a02372f6530273f3aa1eb90190ce5200c99d"},
		{"signature without key exchange", signature, "01000000ff2aeb52f681793a00000000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := hex.EncodeToString(c.got); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
