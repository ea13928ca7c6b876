using System.Collections;
using System.Management.Automation;
using EtlTools.Cmdlets.Connections;
using EtlTools.Core.Configuration;
using EtlTools.Core.Database;

namespace EtlTools.Cmdlets.Completion;

/// <summary>What the command line and the session say so far.</summary>
internal sealed class CompletionContext
{
    private readonly IDictionary _parameters;
    private readonly EtlConnection? _session;

    public CompletionContext(IDictionary parameters, EtlConnection? session)
    {
        _parameters = parameters;
        _session = Parameter("Connection") as EtlConnection ?? session;
    }

    public PipelineConfig? ReadPipeline()
    {
        var pipeline = Parameter("Pipeline") as string ?? _session?.Pipeline ?? PipelinePath.FromEnvironment;
        return pipeline is null ? null : PipelineReader.Read(pipeline);
    }

    /// <summary>Does something on the connection that the command would use; a connection of its own is closed again.</summary>
    public async Task<T> OnDatabaseAsync<T>(Func<EtlDatabase, Task<T>> work)
    {
        if (Parameter("Connection") is not string && _session is not null)
        {
            return await work(_session.Core).ConfigureAwait(false);
        }

        var argument = Parameter("Connection") is string text ? new ConnectionArgument(text) : null;
        var database = EtlDatabase.Connect(new ConnectionRequest
        {
            ConnectionString = argument?.ConnectionString,
            Profile = argument?.Profile,
        });
        await using (database.ConfigureAwait(false))
        {
            return await work(database).ConfigureAwait(false);
        }
    }

    public string? ConfigurationFile => Parameter("ConfigurationFile") as string;

    private object? Parameter(string name) => _parameters[name] is PSObject wrapped ? wrapped.BaseObject : _parameters[name];
}
