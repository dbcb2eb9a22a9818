package awssim

import (
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/ecr"
	"github.com/aphex/aphex-pipeline/awssim/secretsmanager"
	"github.com/aphex/aphex-pipeline/awssim/ssm"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

const (
	longestParameterName  = 1011
	longestSecretName     = 64
	longestRepositoryName = 256
)

func createParameter(s *Server, req request) (cloudformation.Resource, error) {
	return putParameter(s, req, req.name("Name", longestParameterName), false)
}

func updateParameter(s *Server, req request) (cloudformation.Resource, error) {
	return putParameter(s, req, req.PhysicalID, true)
}

func putParameter(s *Server, req request, name string, overwrite bool) (cloudformation.Resource, error) {
	if err := s.permit(req, "ssm:PutParameter", req.arn("ssm", "parameter/"+strings.TrimPrefix(name, "/"))); err != nil {
		return cloudformation.Resource{}, err
	}
	p, err := s.parameters.Put(req.place(), ssm.Parameter{
		Name: name, Type: req.now.text("Type"), Value: req.now.text("Value"), Description: req.now.text("Description"),
		DataType: req.now.text("DataType"), Tags: req.tags(),
	}, overwrite)
	return cloudformation.Resource{PhysicalID: name, Attributes: map[string]any{"Type": p.Type, "Value": p.Value}}, err
}

func findParameter(s *Server, req request) (cloudformation.Resource, error) {
	p, err := s.parameters.Get(req.place(), req.now.text("Name"))
	return cloudformation.Resource{PhysicalID: p.Name, Attributes: map[string]any{"Type": p.Type, "Value": p.Value}}, err
}

func deleteParameter(s *Server, req request) error {
	if err := s.permit(req, "ssm:DeleteParameter", req.arn("ssm", "parameter/"+strings.TrimPrefix(req.PhysicalID, "/"))); err != nil {
		return err
	}
	return s.parameters.Delete(req.place(), req.PhysicalID)
}

func createSecret(s *Server, req request) (cloudformation.Resource, error) {
	name := req.name("Name", longestSecretName)
	prefix := req.arn("secretsmanager", "secret:")
	if err := s.permit(req, "secretsmanager:CreateSecret", prefix+name); err != nil {
		return cloudformation.Resource{}, err
	}
	text, err := secretText(req.now)
	if err != nil {
		return cloudformation.Resource{}, err
	}
	secret, err := s.secrets.Create(req.place(), prefix, secretsmanager.Secret{
		Name: name, Description: req.now.text("Description"), Key: req.keyARN("KmsKeyId"), Tags: req.tags(), Current: secretsmanager.Version{Text: text},
	})
	return secretResource(secret.ARN), err
}

// secretText is the given text or, by the template's recipe, a generated one.
func secretText(p properties) (string, error) {
	if p.at("GenerateSecretString") == nil {
		return p.text("SecretString"), nil
	}
	var recipe secretsmanager.Recipe
	if err := p.decode(&recipe, "GenerateSecretString"); err != nil {
		return "", wire.Errorf("InvalidParameterException", "GenerateSecretString: %s", err)
	}
	text, err := recipe.Text()
	if err != nil {
		return "", wire.Errorf("InvalidParameterException", "GenerateSecretString: %s", err)
	}
	return text, nil
}

// updateSecret generates a new text only when the recipe changed.
func updateSecret(s *Server, req request) (cloudformation.Resource, error) {
	if err := s.permit(req, "secretsmanager:UpdateSecret", req.PhysicalID); err != nil {
		return cloudformation.Resource{}, err
	}
	text, err := secretText(req.now)
	if err != nil {
		return cloudformation.Resource{}, err
	}
	values := []string{"SecretString", "GenerateSecretString"}
	if req.now.document(values[0]) != req.old.document(values[0]) || req.now.document(values[1]) != req.old.document(values[1]) {
		if _, err := s.secrets.Put(req.place(), req.PhysicalID, secretsmanager.Version{Text: text}); err != nil {
			return cloudformation.Resource{}, err
		}
	}
	_, err = s.secrets.Change(req.place(), req.PhysicalID, func(secret *secretsmanager.Secret) {
		secret.Description, secret.Key, secret.Tags = req.now.text("Description"), req.keyARN("KmsKeyId"), req.tags()
	})
	return secretResource(req.PhysicalID), err
}

func secretResource(arn string) cloudformation.Resource {
	return cloudformation.Resource{PhysicalID: arn, Attributes: map[string]any{"Id": arn}}
}

func findSecret(s *Server, req request) (cloudformation.Resource, error) {
	secret, err := s.secrets.Get(req.place(), req.now.text("Name"))
	return secretResource(secret.ARN), err
}

func deleteSecret(s *Server, req request) error {
	if err := s.permit(req, "secretsmanager:DeleteSecret", req.PhysicalID); err != nil {
		return err
	}
	_, err := s.secrets.Delete(req.place(), req.PhysicalID)
	return err
}

func createRepository(s *Server, req request) (cloudformation.Resource, error) {
	name := strings.ToLower(req.name("RepositoryName", longestRepositoryName))
	if err := s.permit(req, "ecr:CreateRepository", req.arn("ecr", "repository/"+name)); err != nil {
		return cloudformation.Resource{}, err
	}
	r := ecr.Repository{Name: name}
	shapeRepository(&r, req)
	r, err := s.registry.Create(req.Scope.Account, req.Scope.Region, r)
	return repositoryResource(r), err
}

func shapeRepository(r *ecr.Repository, req request) {
	r.Mutability = req.now.text("ImageTagMutability")
	if r.Mutability == "" {
		r.Mutability = "MUTABLE"
	}
	r.ScanOnPush = req.now.flag("ImageScanningConfiguration", "ScanOnPush")
	r.Lifecycle = req.now.text("LifecyclePolicy", "LifecyclePolicyText")
	r.Policy = req.now.document("RepositoryPolicyText")
	r.Tags = req.tags()
	if kind := req.now.text("EncryptionConfiguration", "EncryptionType"); kind != "" {
		r.Encryption = kind
	}
}

func updateRepository(s *Server, req request) (cloudformation.Resource, error) {
	if err := s.permit(req, "ecr:PutImageTagMutability", req.arn("ecr", "repository/"+req.PhysicalID)); err != nil {
		return cloudformation.Resource{}, err
	}
	r, err := s.registry.Change(req.place(), req.PhysicalID, func(r *ecr.Repository) error {
		shapeRepository(r, req)
		return nil
	})
	return repositoryResource(r), err
}

func repositoryResource(r ecr.Repository) cloudformation.Resource {
	return cloudformation.Resource{PhysicalID: r.Name, Attributes: map[string]any{"Arn": r.ARN, "RepositoryUri": r.URI}}
}

func findRepository(s *Server, req request) (cloudformation.Resource, error) {
	r, err := s.registry.Get(req.place(), req.now.text("RepositoryName"))
	return repositoryResource(r), err
}

func deleteRepository(s *Server, req request) error {
	if err := s.permit(req, "ecr:DeleteRepository", req.arn("ecr", "repository/"+req.PhysicalID)); err != nil {
		return err
	}
	_, err := s.registry.Delete(req.place(), req.PhysicalID, req.old.flag("EmptyOnDelete"))
	return err
}
