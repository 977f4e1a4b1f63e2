using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Parley.Client.Tests.Doubles;

/// <summary>An authority that nobody knows, and what it says of <c>localhost</c>.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly X509Certificate2 _authority;

    public TestAuthority()
    {
        var (begin, end) = (TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authority = new CertificateRequest("CN=test authority", authorityKey, HashAlgorithmName.SHA256);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = authority.CreateSelfSigned(begin, end);
        using var serverKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var server = new CertificateRequest("CN=localhost", serverKey, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        server.CertificateExtensions.Add(names.Build());
        using var signed = server.Create(_authority, begin, end, [1, 2, 3]);
        ServerCertificate = signed.CopyWithPrivateKey(serverKey);
        System.IO.File.WriteAllText(File, _authority.ExportCertificatePem());
    }

    public X509Certificate2 ServerCertificate { get; }

    /// <summary>The authority's certificate in PEM.</summary>
    public string File { get; } = Path.GetTempFileName();

    public void Dispose()
    {
        _authority.Dispose();
        ServerCertificate.Dispose();
        System.IO.File.Delete(File);
    }
}
