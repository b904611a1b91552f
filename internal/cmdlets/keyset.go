package cmdlets

import "invoke-mgupload/pkg/params"

// keyset: key sets of the trust framework.
var keyset = []Cmdlet{
	{
		Name: "Invoke-MgBetaUploadTrustFrameworkKeySetCertificate", Short: "keyset-certificate-beta",
		Version: Beta, Module: "Microsoft.Graph.Beta.Identity.SignIns",
		Routes:     []string{"/trustFramework/keySets/{trustFrameworkKeySet-id}/microsoft.graph.uploadCertificate"},
		BodyType:   "IPaths19SkfwzTrustframeworkKeysetsTrustframeworkkeysetIdMicrosoftGraphUploadcertificatePostRequestbodyContentApplicationJsonSchema",
		Body:       []params.Member{{Name: "Key", JSON: "key", Secret: true}},
		Identity:   "IIdentitySignInsIdentity",
		Output:     "trustFrameworkKey",
		Permission: "TrustFrameworkKeySet.ReadWrite.All",
	},
	{
		Name: "Invoke-MgBetaUploadTrustFrameworkKeySetPkcs12", Short: "keyset-pkcs12-beta",
		Version: Beta, Module: "Microsoft.Graph.Beta.Identity.SignIns",
		Routes:     []string{"/trustFramework/keySets/{trustFrameworkKeySet-id}/microsoft.graph.uploadPkcs12"},
		BodyType:   "IPaths11Ap814TrustframeworkKeysetsTrustframeworkkeysetIdMicrosoftGraphUploadpkcs12PostRequestbodyContentApplicationJsonSchema",
		Body:       []params.Member{{Name: "Key", JSON: "key", Secret: true}, {Name: "Password", JSON: "password", Secret: true}},
		Identity:   "IIdentitySignInsIdentity",
		Output:     "trustFrameworkKey",
		Permission: "TrustFrameworkKeySet.ReadWrite.All",
	},
	{
		Name: "Invoke-MgBetaUploadTrustFrameworkKeySetSecret", Short: "keyset-secret-beta",
		Version: Beta, Module: "Microsoft.Graph.Beta.Identity.SignIns",
		Routes:     []string{"/trustFramework/keySets/{trustFrameworkKeySet-id}/microsoft.graph.uploadSecret"},
		BodyType:   "IPathsDmvqaiTrustframeworkKeysetsTrustframeworkkeysetIdMicrosoftGraphUploadsecretPostRequestbodyContentApplicationJsonSchema",
		Body:       []params.Member{{Name: "Use", JSON: "use"}, {Name: "K", JSON: "k", Secret: true}, {Name: "Nbf", JSON: "nbf", Type: params.Int64}, {Name: "Exp", JSON: "exp", Type: params.Int64}},
		Identity:   "IIdentitySignInsIdentity",
		Output:     "trustFrameworkKey",
		Permission: "TrustFrameworkKeySet.ReadWrite.All",
	},
}
