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
    private readonly ConnectionArgument? _argument;
    private readonly EtlConnection? _session;

    public CompletionContext(string word, IDictionary parameters, EtlConnection? session, string? folder)
    {
        Folder = folder;
        Word = word;
        _parameters = parameters;
        _argument = Parameter("Connection") switch
        {
            string text => new ConnectionArgument(text),
            EtlConnection connection => new ConnectionArgument(connection),
            _ => null,
        };
        _session = _argument is null ? session : _argument.Connection;
    }

    /// <summary>What has been typed of the value, without quotes.</summary>
    public string Word { get; }

    /// <summary>The session's folder.</summary>
    public string? Folder { get; }

    public string? ConfigurationFile => Parameter("ConfigurationFile") as string;

    public string? Source => Parameter("Source") as string;

    private string? ConnectionPipeline => _session is null ? DefaultConnection.PipelineOf(_argument, Folder) : _session.Pipeline;

    public PipelineConfig? ReadPipeline()
    {
        var pipeline = Parameter("Pipeline") as string ?? ConnectionPipeline ?? PipelinePath.FromEnvironment;
        return pipeline is null ? null : PipelineReader.Read(pipeline);
    }

    /// <summary>Does something on the connection that the command would use; a connection of its own is closed again.</summary>
    public async Task<T> OnDatabaseAsync<T>(Func<EtlDatabase, Task<T>> work)
    {
        if (_session is not null)
        {
            return await work(_session.Core).ConfigureAwait(false);
        }

        var database = EtlDatabase.Connect(DefaultConnection.RequestFor(_argument, Folder));
        await using (database.ConfigureAwait(false))
        {
            return await work(database).ConfigureAwait(false);
        }
    }

    private object? Parameter(string name) => _parameters[name] is PSObject wrapped ? wrapped.BaseObject : _parameters[name];
}
