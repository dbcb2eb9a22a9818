package iam

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/aphex/aphex-pipeline/awssim/policy"
)

// Key is an access key with all that is needed to check a signature made with it.
type Key struct {
	Secret  string
	Token   string    // of a session; empty for an administrator
	Expires time.Time // zero for an administrator
	Caller  policy.Caller
}

// Key looks an access key up. The partition is that of the call; it shows in
// the caller's ARN.
func (d *Directory) Key(accessKey, partition string) (Key, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if s := d.state.Sessions[accessKey]; s != nil {
		return Key{Secret: s.Secret, Token: s.Token, Expires: s.Expires, Caller: d.session(s)}, true
	}
	for _, a := range d.state.Accounts {
		if a.AccessKey == accessKey {
			return Key{Secret: a.Secret, Caller: administrator(a.ID, partition)}, true
		}
	}
	return Key{}, false
}

func administrator(account, partition string) policy.Caller {
	return policy.Caller{
		Account: account, ARN: "arn:" + partition + ":iam::" + account + ":user/admin",
		UserID: "AIDA" + derive32([]byte("user"), account),
	}
}

// session is the caller behind a role's session. It carries the tags of the
// role and, over them, those of the session.
func (d *Directory) session(s *session) policy.Caller {
	caller := policy.Caller{
		Account: s.Account, UserID: s.RoleID + ":" + s.Name, Tags: map[string]string{}, ARN: s.arn(),
		RoleARN: "arn:" + s.Partition + ":iam::" + s.Account + ":role/" + s.Role,
	}
	if role, err := d.role(s.Account, s.Role); err == nil && role.ID == s.RoleID {
		caller.RoleARN = role.ARN
		maps.Copy(caller.Tags, role.Tags)
	}
	maps.Copy(caller.Tags, s.Tags)
	for _, text := range s.Policies {
		caller.Session = append(caller.Session, parsed(text)...)
	}
	return caller
}

func (s *session) arn() string {
	return "arn:" + s.Partition + ":sts::" + s.Account + ":assumed-role/" + s.Role + "/" + s.Name
}

// Caller returns the caller of an ARN: the administrator of an account, a
// role, or a session of a role.
func (d *Directory) Caller(text string) policy.Caller {
	d.mu.RLock()
	defer d.mu.RUnlock()
	caller, err := arn.Parse(text)
	if err != nil {
		return policy.Caller{ARN: text}
	}
	kind, rest, _ := strings.Cut(caller.Resource, "/")
	if kind != "assumed-role" && kind != "role" {
		return administrator(caller.AccountID, caller.Partition)
	}
	name, sessionName := rest, "AWSCloudFormation" // a bare role is one that CloudFormation assumes
	if kind == "assumed-role" {
		name, sessionName, _ = strings.Cut(rest, "/")
	}
	s := &session{Account: caller.AccountID, Partition: caller.Partition, Role: lastPart(name), Name: sessionName}
	if role, err := d.role(s.Account, s.Role); err == nil {
		s.RoleID = role.ID
	}
	return d.session(s)
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// accountOf is the account of an ARN; empty for what is none.
func accountOf(text string) string {
	parsed, _ := arn.Parse(text)
	return parsed.AccountID
}

func randomBytes(n int) []byte {
	bytes := make([]byte, n)
	_, _ = rand.Read(bytes) // never fails
	return bytes
}

// NewID returns a new unique id in IAM's form: a prefix such as AROA and 17
// letters and digits.
func NewID(prefix string) string {
	return prefix + base32.StdEncoding.EncodeToString(randomBytes(15))[:17]
}

func derive32(seed []byte, purpose string) string {
	return base32.StdEncoding.EncodeToString(derive(seed, purpose))[:16]
}

// derive64 gives 40 characters, as secret access keys have.
func derive64(seed []byte, purpose string) string {
	return base64.StdEncoding.EncodeToString(derive(seed, purpose)[:30])
}

func derive(seed []byte, purpose string) []byte {
	h := hmac.New(sha256.New, seed)
	h.Write([]byte(purpose))
	return h.Sum(nil)
}
