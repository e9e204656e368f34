# What a student sees in other colors than its teacher (FixMatch).
strong = [
    dict(type='ColorJitter'),
    dict(
        type='RandomGrayscale',
        prob=0.2,
        keep_channels=True,
        channel_weights=(0.114, 0.587, 0.299),
    ),
    dict(type='RandomGaussianBlur'),
]
