package kms

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/policy"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

// What keys of the simulator sign with.
const (
	spec      = "ECC_NIST_P256"
	usage     = "SIGN_VERIFY"
	algorithm = "ECDSA_SHA_256"
	maxRaw    = 4096 // bytes of a message that is not a digest
)

// Key is a key that signs.
type Key struct {
	ARN     string
	Private []byte // PKCS #8
}

// Store holds the keys that sign, by their id. It is safe for concurrent use.
type Store struct{ wire.Table[Key] }

// Make makes the key of an ARN, unless there is one.
func (s *Store) Make(arn string) error {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[2] != "kms" || !strings.HasPrefix(parts[5], "key/") {
		return fmt.Errorf("%q is no ARN of a key", arn)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	s.Mu.Lock()
	defer s.Mu.Unlock()
	place, id := wire.Place(parts[4], parts[3]), lastPart(arn)
	if _, exists := s.Places[place][id]; !exists {
		s.Set(place, id, Key{arn, der})
	}
	return nil
}

// find returns a key by its id or ARN.
func (s *Store) find(call *wire.Call, name string) (Key, error) {
	s.Mu.RLock()
	defer s.Mu.RUnlock()
	arn := name
	if !strings.HasPrefix(name, "arn:") {
		arn = call.ARN("kms", "key/"+name)
	}
	if key, ok := s.Places[call.Place()][lastPart(name)]; ok && key.ARN == arn {
		return key, nil
	}
	return Key{}, wire.Errorf("NotFoundException", "Key '%s' does not exist", arn)
}

func (k Key) private() (*ecdsa.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(k.Private)
	if err != nil {
		return nil, err
	}
	return parsed.(*ecdsa.PrivateKey), nil
}

func (k Key) describe() map[string]any {
	return map[string]any{
		"AWSAccountId": strings.Split(k.ARN, ":")[4], "KeyId": lastPart(k.ARN), "Arn": k.ARN, "Enabled": true, "KeyState": "Enabled", "KeyManager": "CUSTOMER",
		"Origin": "AWS_KMS", "KeyUsage": usage, "KeySpec": spec, "SigningAlgorithms": []string{algorithm}, "MultiRegion": false,
	}
}

type creation struct {
	KeySpec     string
	KeyUsage    string
	Description string
}

func (s *Store) create(call *wire.Call, in creation) (any, error) {
	if err := call.Permit("kms:CreateKey", "*"); err != nil {
		return nil, err
	}
	if in.KeySpec != spec || in.KeyUsage != usage {
		return nil, wire.Errorf("ValidationException", "The simulator makes keys of the spec %s for %s", spec, usage)
	}
	var id [16]byte
	_, _ = rand.Read(id[:])
	arn := call.ARN("kms", fmt.Sprintf("key/%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]))
	if err := s.Make(arn); err != nil {
		return nil, err
	}
	key, err := s.find(call, arn)
	return map[string]any{"KeyMetadata": key.describe()}, err
}

type keyOnly struct {
	KeyID string `json:"KeyId"`
}

func (s *Store) publicKey(call *wire.Call, in keyOnly) (any, error) {
	arn, err := call.Key(in.KeyID)
	if err != nil {
		return nil, err
	}
	if err := call.Permit("kms:GetPublicKey", arn); err != nil {
		return nil, err
	}
	key, err := s.find(call, arn)
	if err != nil {
		return nil, err
	}
	private, err := key.private()
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	return map[string]any{"KeyId": key.ARN, "PublicKey": der, "KeySpec": spec, "CustomerMasterKeySpec": spec, "KeyUsage": usage, "SigningAlgorithms": []string{algorithm}}, err
}

// message is what is signed or verified.
type message struct {
	KeyID            string `json:"KeyId"`
	Message          []byte
	MessageType      string
	SigningAlgorithm string
	Signature        []byte
}

// digest checks a message and returns its digest with the key.
func (s *Store) digest(call *wire.Call, action string, in message) (key Key, private *ecdsa.PrivateKey, sum []byte, err error) {
	arn, err := call.Key(in.KeyID)
	if err != nil {
		return key, nil, nil, err
	}
	if in.MessageType == "" {
		in.MessageType = "RAW"
	}
	err = call.Guard(policy.Question{Action: action, Resource: arn, Keys: policy.Keys{"kms:SigningAlgorithm": {in.SigningAlgorithm}, "kms:MessageType": {in.MessageType}}})
	if err != nil {
		return key, nil, nil, err
	}
	if key, err = s.find(call, arn); err != nil {
		return key, nil, nil, err
	}
	switch {
	case in.SigningAlgorithm != algorithm:
		return key, nil, nil, wire.Errorf("ValidationException", "1 validation error detected: Algorithm %s and key spec %s are incompatible.", in.SigningAlgorithm, spec)
	case in.MessageType == "DIGEST" && len(in.Message) != sha256.Size:
		return key, nil, nil, wire.Errorf("ValidationException", "Digest is invalid length for algorithm %s.", algorithm)
	case in.MessageType == "RAW" && (len(in.Message) == 0 || len(in.Message) > maxRaw):
		return key, nil, nil, wire.Errorf("ValidationException", "1 validation error detected: Value at 'message' failed to satisfy constraint: Member must have length less than or equal to %d", maxRaw)
	case in.MessageType == "DIGEST":
		sum = in.Message
	default:
		hashed := sha256.Sum256(in.Message)
		sum = hashed[:]
	}
	private, err = key.private()
	return key, private, sum, err
}

func (s *Store) sign(call *wire.Call, in message) (any, error) {
	key, private, sum, err := s.digest(call, "kms:Sign", in)
	if err != nil {
		return nil, err
	}
	signature, err := ecdsa.SignASN1(rand.Reader, private, sum)
	return map[string]any{"KeyId": key.ARN, "Signature": signature, "SigningAlgorithm": algorithm}, err
}

func (s *Store) verify(call *wire.Call, in message) (any, error) {
	key, private, sum, err := s.digest(call, "kms:Verify", in)
	if err != nil {
		return nil, err
	}
	if !ecdsa.VerifyASN1(&private.PublicKey, sum, in.Signature) {
		return nil, wire.Errorf("KMSInvalidSignatureException", "")
	}
	return map[string]any{"KeyId": key.ARN, "SignatureValid": true, "SigningAlgorithm": algorithm}, nil
}
