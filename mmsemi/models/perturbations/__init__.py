from .channel_dropout import ChannelDropout, ComplementaryChannelDropout

__all__ = ['ChannelDropout', 'ComplementaryChannelDropout']
