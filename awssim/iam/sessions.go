package iam

import (
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// NewSession is a session of a role to open.
type NewSession struct {
	Name     string
	Tags     map[string]string
	Policies []string // documents that limit the role's rights
	Length   time.Duration
}

// Session is an open session of a role: its credentials and its identity.
type Session struct {
	AccessKey string
	Secret    string
	Token     string
	Expires   time.Time
	ID        string // of the role, and the session's name
	ARN       string
}

// OpenSession opens a session of a role. Who may do so is for the caller to check.
func (d *Directory) OpenSession(role Role, wanted NewSession) (Session, error) {
	parsed, err := arn.Parse(role.ARN)
	if err != nil {
		return Session{}, err
	}
	s := &session{
		AccessKey: NewID("ASIA")[:20], Secret: derive64(randomBytes(32), "secret"), Token: "aphex-simulator/" + derive64(randomBytes(32), "token"),
		Expires: d.now().Add(wanted.Length).UTC().Truncate(time.Second),
		Account: parsed.AccountID, Partition: parsed.Partition, Role: role.Name, RoleID: role.ID, Name: wanted.Name,
		Tags: wanted.Tags, Policies: wanted.Policies,
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dropExpired()
	d.state.Sessions[s.AccessKey] = s
	return Session{AccessKey: s.AccessKey, Secret: s.Secret, Token: s.Token, Expires: s.Expires, ID: role.ID + ":" + s.Name, ARN: s.arn()}, nil
}

// dropExpired forgets sessions that ended a day ago; younger ones are kept so
// that their use is answered with ExpiredToken.
func (d *Directory) dropExpired() {
	limit := d.now().Add(-24 * time.Hour)
	maps.DeleteFunc(d.state.Sessions, func(_ string, s *session) bool { return s.Expires.Before(limit) })
}
