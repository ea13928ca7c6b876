using EtlTools.Core.Configuration;

namespace EtlTools.Cmdlets.Completion;

/// <summary>The sources of tables of etl.yaml.</summary>
public sealed class SourceCompleter : BoundedCompleter
{
    internal override Task<IReadOnlyList<Choice>> FindAsync(CompletionContext context, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Choice>>(
            [.. EtlProfiles.Load(context.ConfigurationFile, context.Folder).Sources.Select(source => new Choice(source.Name, source.Connection.ToString()))]);
}
