package secretsmanager

import (
	"maps"
	"slices"

	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// Service is Secrets Manager over the store.
func (s *Store) Service() wire.Service {
	return wire.Service{Name: "secretsmanager", Protocol: wire.JSON, Operations: map[string]wire.Handler{
		"CreateSecret":      wire.Typed(s.create),
		"GetSecretValue":    wire.Typed(s.getValue),
		"PutSecretValue":    wire.Typed(s.putValue),
		"UpdateSecret":      wire.Typed(s.update),
		"DescribeSecret":    wire.Typed(s.describe),
		"ListSecrets":       wire.Typed(s.list),
		"DeleteSecret":      wire.Typed(s.delete),
		"GetRandomPassword": wire.Typed(getRandomPassword),
	}}
}

type tag struct{ Key, Value string }

// input has the members of all operations on one secret.
type input struct {
	Name               string
	SecretID           string `json:"SecretId"`
	ClientRequestToken string
	Description        *string
	KMSKeyID           string `json:"KmsKeyId"`
	SecretString       string
	SecretBinary       []byte
	VersionID          string `json:"VersionId"`
	VersionStage       string
	Tags               []tag
	MaxResults         int // of a page: all are on one
	// ForceDeleteWithoutRecovery is how every secret is deleted here.
	ForceDeleteWithoutRecovery bool
}

func (in input) version() Version {
	return Version{ID: in.ClientRequestToken, Text: in.SecretString, Binary: in.SecretBinary}
}

// permit finds the secret and asks for the call's operation on it. A secret
// that does not exist is reported only to a caller who might have read it.
func (s *Store) permit(call *wire.Call, in input) (Secret, error) {
	secret, missing := s.Get(call.Place(), in.SecretID)
	arn := secret.ARN
	if missing != nil {
		arn = call.ARN("secretsmanager", "secret:"+in.SecretID)
	}
	if err := call.Permit("secretsmanager:"+call.Operation, arn); err != nil {
		return Secret{}, err
	}
	return secret, missing
}

func (s *Store) create(call *wire.Call, in input) (any, error) {
	prefix := call.ARN("secretsmanager", "secret:")
	if err := call.Permit("secretsmanager:CreateSecret", prefix+in.Name); err != nil {
		return nil, err
	}
	key, err := usedKey(call, in.KMSKeyID)
	if err != nil {
		return nil, err
	}
	secret := Secret{Name: in.Name, Key: key, Current: in.version(), Tags: map[string]string{}}
	if in.Description != nil {
		secret.Description = *in.Description
	}
	for _, t := range in.Tags {
		secret.Tags[t.Key] = t.Value
	}
	secret, err = s.Create(call.Place(), prefix, secret)
	return written(secret), err
}

// usedKey returns the key that a call names, if the caller may encrypt with it.
func usedKey(call *wire.Call, given string) (string, error) {
	key, err := call.Key(given)
	if err != nil {
		return "", err
	}
	return key, permitKey(call, "kms:GenerateDataKey", key)
}

// permitKey words the refusal of a key as Secrets Manager does, which names neither the key nor
// the caller.
func permitKey(call *wire.Call, action, key string) error {
	if call.PermitKey(action, key) != nil {
		return wire.Errorf("AccessDeniedException", "Access to KMS is not allowed")
	}
	return nil
}

func written(secret Secret) map[string]any {
	return map[string]any{
		"ARN": secret.ARN, "Name": secret.Name, "VersionId": secret.Current.ID, "VersionStages": []string{"AWSCURRENT"},
	}
}

func (s *Store) getValue(call *wire.Call, in input) (any, error) {
	secret, err := s.permit(call, in)
	if err != nil {
		return nil, err
	}
	version, stage, err := secret.pick(in)
	if err != nil {
		return nil, err
	}
	if err := permitKey(call, "kms:Decrypt", secret.Key); err != nil {
		return nil, err
	}
	value := map[string]any{
		"ARN": secret.ARN, "Name": secret.Name, "VersionId": version.ID, "VersionStages": []string{stage},
		"CreatedDate": seconds(version.Created.UnixMilli()),
	}
	if len(version.Binary) > 0 {
		value["SecretBinary"] = version.Binary
	} else {
		value["SecretString"] = version.Text
	}
	return value, nil
}

func seconds(milliseconds int64) float64 { return float64(milliseconds) / 1000 }

// pick chooses the version a call asks for; without a wish the current one.
func (secret Secret) pick(in input) (Version, string, error) {
	current := secret.Current
	switch {
	case (in.VersionStage == "" || in.VersionStage == "AWSCURRENT") && (in.VersionID == "" || in.VersionID == current.ID):
		if current.Text == "" && len(current.Binary) == 0 {
			break
		}
		return current, "AWSCURRENT", nil
	case secret.Previous != nil && (in.VersionStage == "" || in.VersionStage == "AWSPREVIOUS") && (in.VersionID == "" || in.VersionID == secret.Previous.ID):
		return *secret.Previous, "AWSPREVIOUS", nil
	}
	return Version{}, "", wire.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret value for the version asked for.")
}

func (s *Store) putValue(call *wire.Call, in input) (any, error) {
	secret, err := s.permit(call, in)
	if err != nil {
		return nil, err
	}
	if err := permitKey(call, "kms:GenerateDataKey", secret.Key); err != nil {
		return nil, err
	}
	secret, err = s.Put(call.Place(), in.SecretID, in.version())
	return written(secret), err
}

func (s *Store) update(call *wire.Call, in input) (any, error) {
	secret, err := s.permit(call, in)
	if err != nil {
		return nil, err
	}
	key, err := usedKey(call, in.KMSKeyID)
	if err != nil {
		return nil, err
	}
	if in.Description != nil || key != "" {
		secret, err = s.Change(call.Place(), in.SecretID, func(secret *Secret) {
			if in.Description != nil {
				secret.Description = *in.Description
			}
			if key != "" {
				secret.Key = key
			}
		})
	}
	if in.SecretString != "" || len(in.SecretBinary) > 0 {
		secret, err = s.Put(call.Place(), in.SecretID, in.version())
	}
	return written(secret), err
}

func (s *Store) describe(call *wire.Call, in input) (any, error) {
	secret, err := s.permit(call, in)
	return describe(secret), err
}

func describe(secret Secret) map[string]any {
	stages := map[string][]string{secret.Current.ID: {"AWSCURRENT"}}
	if secret.Previous != nil {
		stages[secret.Previous.ID] = []string{"AWSPREVIOUS"}
	}
	tags := []tag{}
	for _, key := range slices.Sorted(maps.Keys(secret.Tags)) {
		tags = append(tags, tag{key, secret.Tags[key]})
	}
	described := map[string]any{
		"ARN": secret.ARN, "Name": secret.Name, "Description": secret.Description, "Tags": tags, "VersionIdsToStages": stages,
		"CreatedDate": seconds(secret.Created.UnixMilli()), "LastChangedDate": seconds(secret.Changed.UnixMilli()),
	}
	if secret.Key != "" {
		described["KmsKeyId"] = secret.Key
	}
	return described
}

func (s *Store) list(call *wire.Call, _ struct{}) (any, error) {
	if err := call.Permit("secretsmanager:ListSecrets", "*"); err != nil {
		return nil, err
	}
	entries := []any{}
	for _, secret := range s.All(call.Place()) {
		entries = append(entries, describe(secret))
	}
	return map[string]any{"SecretList": entries}, nil
}

// delete removes a secret at once, whatever recovery window was asked for.
func (s *Store) delete(call *wire.Call, in input) (any, error) {
	if _, err := s.permit(call, in); err != nil {
		return nil, err
	}
	secret, err := s.Delete(call.Place(), in.SecretID)
	return map[string]any{"ARN": secret.ARN, "Name": secret.Name, "DeletionDate": seconds(call.Now.UnixMilli())}, err
}

func getRandomPassword(call *wire.Call, recipe Recipe) (any, error) {
	if err := call.Permit("secretsmanager:GetRandomPassword", "*"); err != nil {
		return nil, err
	}
	password, err := recipe.Password()
	if err != nil {
		return nil, wire.Errorf("InvalidParameterException", "%s", err)
	}
	return map[string]any{"RandomPassword": password}, nil
}
