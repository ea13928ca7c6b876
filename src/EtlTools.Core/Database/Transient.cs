using Npgsql;
using Polly;
using Polly.Retry;

namespace EtlTools.Core.Database;

/// <summary>Faults that pass: a lost connection, a deadlock, a throttled source.</summary>
internal static class Transient
{
    /// <summary>Tries again, with jitter, what failed with a transient <see cref="EtlException"/>.</summary>
    public static readonly ResiliencePipeline Retry = new ResiliencePipelineBuilder()
        .AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<EtlException>(error => error.IsTransient),
            MaxRetryAttempts = 4,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = TimeSpan.FromMilliseconds(300),
            MaxDelay = TimeSpan.FromSeconds(10),
        })
        .Build();

    /// <summary>Asks the database on a connection of its own, again where the fault passes.</summary>
    public static Task<T> AskAsync<T>(
        EtlDatabase database, string target, Func<NpgsqlConnection, CancellationToken, Task<T>> ask, CancellationToken cancellationToken) =>
        AskAsync(
            target,
            async token =>
            {
                await using var connection = await database.OpenAsync(token).ConfigureAwait(false);
                return await ask(connection, token).ConfigureAwait(false);
            },
            cancellationToken);

    /// <summary>Asks the database, again where the fault passes.</summary>
    /// <param name="target">What an error is about.</param>
    /// <param name="ask">The question; it opens its own connection.</param>
    /// <param name="cancellationToken">Stops it.</param>
    public static async Task<T> AskAsync<T>(string target, Func<CancellationToken, Task<T>> ask, CancellationToken cancellationToken) =>
        await Retry.ExecuteAsync(
            async token =>
            {
                try
                {
                    return await ask(token).ConfigureAwait(false);
                }
                catch (Exception error) when (DatabaseErrors.IsDatabaseError(error))
                {
                    throw DatabaseErrors.Translate(error, target);
                }
            },
            cancellationToken).ConfigureAwait(false);
}
