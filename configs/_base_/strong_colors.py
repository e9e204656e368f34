# What a student sees in other colors than its teacher (FixMatch).
strong = [
    dict(type='ColorJitter'),
    dict(type='RandomGray'),
    dict(type='RandomGaussianBlur'),
]
