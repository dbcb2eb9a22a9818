package policy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/aphex/aphex-pipeline/awssim/policy"
)

func TestWrongDocumentsAreRefusedWithTheReason(t *testing.T) {
	for text, reason := range map[string]string{
		``:                 "syntax errors in policy",
		`{"Statement":[]}`: "Statement is empty",
		`{}`:               "Statement is missing",
		`{"Version":"2020-01-01","Statement":{"Effect":"Allow","Action":"*"}}`:                                                 "2020-01-01",
		`{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}`:                                                         `invalid effect: "allow"`,
		`{"Statement":{"Effect":"Allow","Resource":"*"}}`:                                                                      "either Action or NotAction",
		`{"Statement":{"Effect":"Allow","Action":"s3"}}`:                                                                       "prefaced by a vendor",
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","NotResource":"*"}}`:                                       "both Resource and NotResource",
		`{"Statement":{"Effect":"Allow","Action":"*","Ressource":"*"}}`:                                                        "Ressource",
		`{"Statement":{"Effect":"Allow","Action":"*","Principal":"everybody"}}`:                                                "everybody",
		`{"Statement":{"Effect":"Allow","Action":"*","Principal":{"Amazon":"x"}}}`:                                             "Amazon",
		`{"Statement":{"Effect":"Allow","Action":"*","Condition":{"StringIs":{"k":"v"}}}}`:                                     "StringIs",
		`{"Statement":{"Effect":"Allow","Action":"*","Condition":{"ForSome:StringEquals":{"k":"v"}}}}`:                         "ForSome",
		`{"Statement":{"Effect":"Allow","Action":{"a":"b"}}}`:                                                                  "text was expected",
		`{"Statement":{"Effect":"Allow","Action":"*","Principal":"*","NotPrincipal":"*"}}`:                                     "both Principal and NotPrincipal",
		`{"Statement":{"Effect":"Allow","Action":"*"}} {"Statement":{"Effect":"Allow","Action":"*"}}`:                          "after the end",
		`{"Statement":[{"Effect":"Allow","Action":"*"},{"Effect":"Allow","Action":"*","Condition":{"Foo":{"aws:x":"true"}}}]}`: "statement 2",
	} {
		_, err := policy.Parse(text)
		require.Error(t, err, text)
		assert.ErrorContains(t, err, reason, text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["1"]},"Action":["s3:*"],"NotResource":"${aws:x}","Condition":{"Null":{"k":true}}}]}`)
	f.Add(`{"Statement":{"Effect":"Deny","NotPrincipal":"*","NotAction":"a:*","Resource":"${","Condition":{"ForAllValues:StringLikeIfExists":{"k":["*","?"]}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		document, err := policy.Parse(text)
		if err != nil {
			return
		}
		q := policy.Question{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k", ResourcePolicy: document, Keys: policy.Keys{"k": {"v"}}}
		_ = policy.Decide(session, policy.Rights{Grants: []*policy.Document{document}}, q) // it must come back
	})
}
