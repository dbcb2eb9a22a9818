package config

import "fmt"

// GithubApp is a GitHub App that is installed in the repository.
type GithubApp struct {
	// The App ID, as the settings of the App show it.
	ID int `json:"id" need:"always" min:"1" example:"123456"`

	// The number of the installation: the end of the address of its settings.
	InstallationID int `json:"installationId" need:"always" min:"1" example:"12345678"`

	// The name of the secret in AWS Secrets Manager with a private key of the App: the text
	// of the file that GitHub made, or `{"privateKey": "…"}`.
	PrivateKeySecretName string `json:"privateKeySecretName" need:"always" rule:"secretName" example:"shop/github-app"`
}

// RepositorySecret returns the name of the secret that opens the repository, with a token or
// with the private key of a GitHub App; "" is none.
func (c *Config) RepositorySecret() string {
	if c.GithubApp != nil {
		return c.GithubApp.PrivateKeySecretName
	}
	return c.GithubTokenSecretName
}

// RepositoryApp returns the GitHub App that opens the repository, as ID/INSTALLATION; "" is
// none.
func (c *Config) RepositoryApp() string {
	if c.GithubApp == nil {
		return ""
	}
	return fmt.Sprintf("%d/%d", c.GithubApp.ID, c.GithubApp.InstallationID)
}

func checkGithubApp(c *Config, r *report) {
	if c.GithubApp != nil && c.GithubTokenSecretName != "" {
		r.atPath("githubApp", "the repository is opened by a githubApp and by a githubTokenSecretName: expected one of them").Hint = "remove githubTokenSecretName"
	}
}
