using Microsoft.Extensions.DependencyInjection;

namespace Parley.ServiceDefaults;

/// <summary>Limits and error handling of every gRPC server.</summary>
internal static class GrpcServerDefaults
{
    /// <summary>Largest message in either direction, in bytes: a prompt of a million tokens fits.</summary>
    private const int MessageBytesMax = 16 * 1024 * 1024;

    public static void AddParleyGrpcServer(this IServiceCollection services)
    {
        services.AddGrpc(options =>
        {
            options.MaxReceiveMessageSize = MessageBytesMax;
            options.MaxSendMessageSize = MessageBytesMax;
            options.EnableDetailedErrors = false;
            options.Interceptors.Add<ExceptionInterceptor>();
        });
        services.AddGrpcReflection();
    }
}
